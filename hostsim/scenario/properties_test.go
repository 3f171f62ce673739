package scenario

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPropertiesAreRead(t *testing.T) {
	text := "Doc.\n-- properties --\na.b = ${now}\nint c = -5\nbool d.e = false\nint = int 5\nempty = \n" + settingsCall
	setup := expanded(t, text)
	want := []Property{{Path: "a.b", Text: "7"}, {"c", PropertyInt, "-5"}, {"d.e", PropertyBool, "false"}, {Path: "int", Text: "int 5"}, {Path: "empty"}}
	if diff := cmp.Diff(want, setup.Properties); diff != "" {
		t.Error(diff)
	}
	if words := strings.Join(setup.Words(), ", "); words != "properties a.b, properties c, properties d.e, properties int, properties empty" {
		t.Errorf("words are %s", words)
	}
}

func TestPropertiesRefused(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"nothing", "", "x.txtar:3: section properties has no line PATH = VALUE"},
		{"no value", "a = b\na.c\n", `x.txtar:4: property line "a.c" is not PATH = VALUE, int PATH = N or bool PATH = true`},
		{"no path", " = b\n", `property line " = b" is not PATH = VALUE`},
		{"unknown kind", "uint a.b = 5\n", `property line "uint a.b = 5" is not PATH = VALUE`},
		{"twice", "a = b\nint a = 1\n", "x.txtar:4: second value for property a: keep one"},
		{"no integer", "int a = 5.5\n", `x.txtar:2: property a: "5.5" is not an integer`},
		{"no truth", "bool a = 1\n", `x.txtar:2: property a: "1" is neither true nor false`},
		{"variable", "a = ${later}\n", "x.txtar:2: unknown ${later}"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { wantRefused(t, "Doc.\n-- properties --\n"+c.text+settingsCall, c.want) })
	}
}
