package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"
)

// A fixture is named for its fault, or ok_ and what is accepted. It has either
// patch.yaml, an RFC 7396 merge patch over base.yaml, or config.json; env with
// lines NAME=value; and want, the problems, each a line.
type fixture struct {
	data []byte
	env  map[string]string
	want []string
}

func readFixture(t testing.TB, file string) fixture {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(archive.Comment)) == "" {
		t.Fatalf("%s says nothing on top", file)
	}
	f := fixture{env: map[string]string{"OKTA_CLIENT_SECRET": "test-secret"}}
	var seen []string
	for _, section := range archive.Files {
		if slices.Contains(seen, section.Name) {
			t.Fatalf("%s has section %s twice", file, section.Name)
		}
		seen = append(seen, section.Name)
		text := string(section.Data)
		switch section.Name {
		case "config.json":
			f.data = []byte(strings.TrimSuffix(text, "\n"))
		case "patch.yaml":
			f.data = patched(t, section.Data)
		case "env":
			for line := range strings.Lines(text) {
				name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
				if !ok {
					t.Fatalf("%s has no variable in %q", file, line)
				}
				f.env[name] = value
			}
		case "want":
			if text != "" {
				f.want = strings.Split(strings.TrimSuffix(text, "\n"), "\n")
			}
		default:
			t.Fatalf("%s has an unknown section %s", file, section.Name)
		}
	}
	if slices.Contains(seen, "config.json") == slices.Contains(seen, "patch.yaml") || !slices.Contains(seen, "want") {
		t.Fatalf("%s must have config.json or patch.yaml, and want", file)
	}
	return f
}

func patched(t testing.TB, patch []byte) []byte {
	t.Helper()
	return patchedFile(t, "testdata/base.yaml", patch)
}

func patchedFile(t testing.TB, file string, patch []byte) []byte {
	t.Helper()
	base, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var document, changes any
	if err := yaml.UnmarshalStrict(base, &document); err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(patch, &changes); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(mergePatch(document, changes))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// mergePatch is RFC 7396 section 2.
func mergePatch(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	object, ok := target.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	for name, value := range changes {
		if value == nil {
			delete(object, name)
			continue
		}
		object[name] = mergePatch(object[name], value)
	}
	return object
}

func (f fixture) load() (*Config, []Problem) {
	return Load(f.data, func(name string) (string, bool) {
		value, ok := f.env[name]
		return value, ok
	})
}

func fixtureFiles(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	return files
}

func TestFixtures(t *testing.T) {
	for _, file := range fixtureFiles(t) {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			f := readFixture(t, file)
			if strings.HasPrefix(name, "ok_") != (f.want == nil) {
				t.Fatalf("the name does not say whether it is accepted")
			}
			c, problems := f.load()
			if (c == nil) != (len(problems) > 0) {
				t.Errorf("config %v with %d problems", c, len(problems))
			}
			var got []string
			for _, p := range problems {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(f.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			wantNoSecrets(t, f, strings.Join(got, "\n"))
		})
	}
}

// wantNoSecrets looks for everything that must not be shown.
func wantNoSecrets(t *testing.T, f fixture, shown string) {
	t.Helper()
	secrets := []string{"hunter", "live-key", "4711", "12345678", "5994471abb", "6994471abb", "e3b0c44298"}
	for _, value := range f.env {
		if value != "" {
			secrets = append(secrets, value)
		}
	}
	for _, s := range secrets {
		if strings.Contains(shown, s) {
			t.Errorf("%q is shown:\n%s", s, shown)
		}
	}
}
