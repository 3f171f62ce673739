package command

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var updateGolden = flag.Bool("update", false, "write the golden parts of the cases again")

// importCase plays one txtar file: its flags, its bundle, and what came of them.
// Parts whose names begin with "want" are golden.
func importCase(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Chdir(dir)
	args := []string{"import", "apigee", "bundle", "--out", "out"}
	want := map[string]string{}
	var inputs []txtar.File
	for _, f := range archive.Files {
		switch {
		case strings.HasPrefix(f.Name, "want"):
			want[f.Name] = string(f.Data)
			continue
		case f.Name == "flags":
			args = append(args, strings.Fields(string(f.Data))...)
		default:
			path := f.Name
			if strings.HasSuffix(path, ".xml") {
				path = "bundle/" + path
			}
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		inputs = append(inputs, f)
	}
	var stdout, stderr bytes.Buffer
	code := Main(args, nil, &stdout, &stderr)
	got := map[string]string{"want report": stdout.String()}
	if stderr.Len() > 0 {
		got["want error"] = stderr.String()
		delete(got, "want report")
	}
	configs, _ := filepath.Glob("out/*.yaml")
	for _, config := range configs {
		text, err := os.ReadFile(config)
		if err != nil {
			t.Fatal(err)
		}
		got["want "+filepath.Base(config)] = string(text)
		if faults := strictFaults(text); len(faults) > 0 {
			t.Errorf("check --strict: %s", strings.Join(faults, "; "))
		}
	}
	if code == exitOK && len(configs) == 0 {
		t.Error("exit code 0 and nothing was written")
	}
	if *updateGolden {
		archive.Files = inputs
		for _, name := range []string{"want error", "want report"} {
			if text, ok := got[name]; ok {
				archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(text)})
			}
		}
		for _, config := range configs {
			name := "want " + filepath.Base(config)
			archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(got[name])})
		}
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestApigeeMapping has a bundle for each feature of Apigee, and each trap.
func TestApigeeMapping(t *testing.T) {
	files, err := filepath.Glob("testdata/apigee/*.txtar")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d cases, want 60 at least (%v)", len(files), err)
	}
	for _, file := range files {
		path, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { importCase(t, path) })
	}
}
