package scenario

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestPluginsAreRead(t *testing.T) {
	text := "Doc.\n-- plugin b after --\nmodule: other\nroot_id: r${now}\nvm_id: v${now}\npolicy: open\n-- config.yaml b --\nat: ${now}\n" +
		"-- plugin a before --\n-- config.json a --\nraw ${now}\n-- plugin c after --\n" + settingsCall
	setup := expanded(t, text)
	before, after := setup.Chain()
	ignore := cmp.Options{cmpopts.IgnoreUnexported(Plugin{}, Settings{})}
	if diff := cmp.Diff([]Plugin{{Name: "a", Before: true, Config: []byte("raw 7")}}, before, ignore); diff != "" {
		t.Error(diff)
	}
	want := []Plugin{{Name: "b", Module: "other", RootID: "r7", Settings: Settings{VMID: "v7", Policy: PolicyOpen}, Config: []byte(`{"at":7}`)}, {Name: "c"}}
	if diff := cmp.Diff(want, after, ignore); diff != "" {
		t.Error(diff)
	}
	if words := strings.Join(setup.Words(), ", "); words != "plugin b, plugin a, plugin c" {
		t.Errorf("words are %s", words)
	}
}

func TestPluginsRefused(t *testing.T) {
	const plugin = "-- plugin a after --\n"
	cases := []struct{ name, text, want string }{
		{"no name", "-- plugin --\n", "x.txtar:2: section plugin wants a name of a-z, 0-9, _ and -, and then before or after"},
		{"no side", "-- plugin a --\n", "wants a name of a-z, 0-9, _ and -, and then before or after"},
		{"no such side", "-- plugin a beside --\n", "and then before or after"},
		{"twice", plugin + "-- plugin a before --\n", "x.txtar:3: second section for plugin a: join them"},
		{"unknown key", plugin + "workers: 2\n", `x.txtar:3: unknown key "workers": write one of module, root_id, vm_id`},
		{"bad value", plugin + "policy: ajar\n", `x.txtar:3: policy: "ajar" is not a policy`},
		{"configuration of nobody", "-- config.yaml b --\n{}\n" + plugin, `x.txtar:2: section "config.yaml b" takes no argument: write "config.yaml", or first a section plugin b before or after`},
		{"configuration twice", plugin + "-- config.yaml a --\n{}\n-- config.json a --\n{}\n", "x.txtar:5: second configuration of plugin a: keep one"},
		{"bad YAML", plugin + "-- config.yaml a --\n{a: [\n", "x.txtar:2: plugin a: read config.yaml:"},
		{"variable", plugin + "root_id: ${later}\n", "x.txtar:2: unknown ${later}"},
		{"too many", manyPlugins(), "more than 8 plugins: leave some out"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { wantRefused(t, "Doc.\n"+c.text+settingsCall, c.want) })
	}
}

func manyPlugins() string {
	var b strings.Builder
	for _, name := range strings.Fields("a b c d e f g h i") {
		b.WriteString("-- plugin " + name + " after --\n")
	}
	return b.String()
}
