package document

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
	k8syaml "sigs.k8s.io/yaml"
)

const sample = `# Who may call.
version: 1

apps:
# The portal of all customers.
- name: portal   # ours
  products: [a, b]
  keys:
  - {id: k-1, sha256: "00"}

- {name: small, products: [a], keys: []}

# The end.
`

func app(d *Document, i int) *yaml.Node { return Items(Member(d.Root(), "apps"))[i] }

func TestEditsLeaveTheRestAsItWas(t *testing.T) {
	key := Mapping("id", "k-2", "sha256", "11")
	tests := []struct {
		name string
		text string
		edit func(*Document) error
		want string
	}{
		{"append to a block list", sample, func(d *Document) error { return d.Append(app(d, 0), "keys", key) },
			strings.Replace(sample, "\"00\"}\n", "\"00\"}\n  - {id: k-2, sha256: \"11\"}\n", 1)},
		{"append to an empty flow list", sample, func(d *Document) error { return d.Append(app(d, 1), "keys", key) },
			strings.Replace(sample, "keys: []", "keys: [{id: k-2, sha256: \"11\"}]", 1)},
		{"append to an empty list of a block mapping", strings.Replace(sample, "  keys:\n  - {id: k-1, sha256: \"00\"}\n", "  keys: []  # none yet\n", 1), func(d *Document) error { return d.Append(app(d, 0), "keys", key) },
			strings.Replace(sample, "  keys:\n  - {id: k-1, sha256: \"00\"}\n", "  keys:  # none yet\n  - {id: k-2, sha256: \"11\"}\n", 1)},
		{"append to an empty list at the end of the text", "apps: []", func(d *Document) error { return d.Append(d.Root(), "apps", Mapping("name", "x")) },
			"apps:\n- {name: x}\n"},
		{"append two to an empty list", "a: 1\n\nkeys: []\n\nb: 2\n", func(d *Document) error { return d.AppendLines(d.Root(), "keys", key, key) },
			"a: 1\n\nkeys:\n- {id: k-2, sha256: \"11\"}\n- {id: k-2, sha256: \"11\"}\n\nb: 2\n"},
		{"remove the only item of a block list", sample, func(d *Document) error { return d.RemoveItem(app(d, 0), "keys", 0) },
			strings.Replace(sample, "  keys:\n  - {id: k-1, sha256: \"00\"}\n", "  keys: []\n", 1)},
		{"remove the only item of a block list at the end", "a: 1\n\napps: # ours\n# The first.\n- name: x\n  n: 1", func(d *Document) error { return d.RemoveItem(d.Root(), "apps", 0) },
			"a: 1\n\napps: [] # ours\n"},
		{"append to a flow list", sample, func(d *Document) error { return d.Append(app(d, 0), "products", Scalar("c")) },
			strings.Replace(sample, "[a, b]", "[a, b, c]", 1)},
		{"add to a block mapping", sample, func(d *Document) error { return d.Set(app(d, 0), "status", Scalar("revoked")) },
			strings.Replace(sample, "\"00\"}\n", "\"00\"}\n  status: revoked\n", 1)},
		{"add to a flow mapping", sample, func(d *Document) error { return d.Set(app(d, 1), "status", Scalar("revoked")) },
			strings.Replace(sample, "keys: []}", "keys: [], status: revoked}", 1)},
		{"replace a scalar", sample, func(d *Document) error { return d.Set(app(d, 0), "name", Scalar("gate")) },
			strings.Replace(sample, "name: portal ", "name: gate ", 1)},
		{"replace a quoted scalar", sample, func(d *Document) error {
			return d.Set(Items(Member(app(d, 0), "keys"))[0], "sha256", Scalar("22"))
		}, strings.Replace(sample, `"00"`, `"22"`, 1)},
		{"a new list", "version: 1 # first\n", func(d *Document) error { return d.Append(d.Root(), "apps", Mapping("name", "x")) },
			"version: 1 # first\napps:\n- {name: x}\n"},
		{"an empty file", "", func(d *Document) error {
			return d.Set(d.Root(), "version", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: "1"})
		},
			"version: 1\n"},
		{"no line end at the end", "apps:\n- {name: x}", func(d *Document) error { return d.Append(d.Root(), "apps", Mapping("name", "y")) },
			"apps:\n- {name: x}\n- {name: \"y\"}\n"},
		{"indented list, block items", "apps:\n    - name: x\n      # of x\n", func(d *Document) error { return d.Append(d.Root(), "apps", Mapping("name", "y", "keys", "z")) },
			"apps:\n    - name: x\n    - name: \"y\"\n      keys: z\n      # of x\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Parse([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.edit(d); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(d.Text())); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
		})
	}
}

// What cannot be spliced is written again, and still says what was meant, with its comments.
func TestEditsOfUnusualText(t *testing.T) {
	for name, text := range map[string]string{
		"brackets in a comment":  "apps: [ # one ]\n  {name: x}]\n",
		"text of several lines":  "apps:\n- name: |\n    one\n    two\n# last\n",
		"flow over several rows": "apps: [{name: x,\n   keys: [\"]\", '}']}\n]\n",
		"escaped quotes":         "apps: [{name: \"a\\\"]\"}]\n",
		"anchors":                "a: &l [{name: x}]\napps: *l\n",
	} {
		t.Run(name, func(t *testing.T) {
			d, err := Parse([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Append(d.Root(), "apps", Mapping("name", "new")); err != nil {
				t.Fatal(err)
			}
			items := Items(Member(d.Root(), "apps"))
			if Text(items[len(items)-1], "name") != "new" {
				t.Errorf("lost the new app:\n%s", d.Text())
			}
			if comment := strings.Contains(text, "# last"); comment && !strings.Contains(string(d.Text()), "# last") {
				t.Errorf("lost a comment:\n%s", d.Text())
			}
		})
	}
}

// TestJSONIsThatOfKubernetes: an operator's document reaches the filter through Kubernetes' reader of YAML.
func TestJSONIsThatOfKubernetes(t *testing.T) {
	for _, text := range []string{
		sample, "a: off\nb: \"off\"\nc: Yes\nd: y\ne: ~\nf:\n", "a: 1\nb: 1.5\nc: 0x10\nd: -3\ne: 1e3\n",
		"a: 2027-05-01T00:00:00Z\nb: 2027-05-01\n", "a: &x [1]\nb: *x\n", "a: 'it''s'\nb: \"\\u00e9 <&>\"\nc: |\n  x\n  y\n",
	} {
		d, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.JSON()
		if err != nil {
			t.Fatal(err)
		}
		want, err := k8syaml.YAMLToJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if err := k8syaml.Unmarshal(got, &a); err != nil {
			t.Fatalf("%v: %s", err, got)
		}
		if err := k8syaml.Unmarshal(want, &b); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b, a); diff != "" {
			t.Errorf("%q (-Kubernetes +ours):\n%s", text, diff)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"two documents": "a: 1\n---\nb: 2\n", "a list": "- a\n", "a word": "a\n", "tabs": "a:\n\t- b\n", "open": "a: [\n",
	} {
		if d, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s: took it as %s", name, d.Text())
		}
	}
}

func TestJSONRefuses(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for i := 'b'; i <= 'j'; i++ {
		prev := string(i - 1)
		bomb += string(i) + ": &" + string(i) + " [*" + strings.Join([]string{prev, prev, prev, prev, prev, prev, prev, prev, prev, prev}, ",*") + "]\n"
	}
	for name, text := range map[string]string{
		"an alias bomb": bomb, "merge": "a: &x {b: 1}\nc:\n  <<: *x\n", "infinity": "a: .inf\n", "binary": "a: !!binary aGk=\n", "a list as a name": "? [a]\n: b\n",
	} {
		d, err := Parse([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := d.JSON(); err == nil {
			t.Errorf("%s: gave %.80s", name, got)
		}
	}
}

func TestLine(t *testing.T) {
	d, err := Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		"": 1, "version": 2, "apps": 4, "apps[0]": 6, "apps[0].products": 7, "apps[0].keys[0].sha256": 9, "apps[1].keys": 11,
		"apps[0].keys[7].id": 8, "apps[0].developer": 6, "sequence[0]": 1, `apps[0]."we ird"`: 6, "version.x": 2,
	} {
		if got := d.Line(path); got != want {
			t.Errorf("%q: line %d, want %d", path, got, want)
		}
	}
}

// TestAnyEditsSayWhatWasMeant: whatever names and values come, the text parses and has them.
func TestAnyEditsSayWhatWasMeant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, err := Parse([]byte(sample))
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for range rapid.IntRange(1, 5).Draw(t, "edits") {
			id := rapid.StringMatching(`[ -~]{0,12}`).Draw(t, "id")
			ids = append(ids, id)
			i := rapid.IntRange(0, 1).Draw(t, "app")
			if err := d.Append(app(d, i), "keys", Mapping("id", id)); err != nil {
				t.Fatal(err)
			}
		}
		have := map[string]bool{}
		for i := range 2 {
			for _, k := range Items(Member(app(d, i), "keys")) {
				have[Text(k, "id")] = true
			}
		}
		for _, id := range ids {
			if !have[id] {
				t.Fatalf("lost %q:\n%s", id, d.Text())
			}
		}
		if !strings.Contains(string(d.Text()), "# The portal of all customers.") {
			t.Fatalf("lost a comment:\n%s", d.Text())
		}
	})
}
