package policy_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// block is a fenced block of docs/write-a-step.md that names a file.
var block = regexp.MustCompile("(?ms)^```(go|diff) title=(\\S+)\n(.*?)^```$")

// TestWriteAStep does what docs/write-a-step.md says, in an overlay, and runs
// the test that stands there.
func TestWriteAStep(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs/write-a-step.md"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, b := range block.FindAllStringSubmatch(string(page), -1) {
		kind, name, text := b[1], b[2], b[3]
		if kind == "go" {
			files[name] = text
			continue
		}
		if files[name] == "" {
			before, err := os.ReadFile(filepath.Join(root, name))
			if err != nil {
				t.Fatal(err)
			}
			files[name] = string(before)
		}
		files[name] = inserted(t, name, files[name], text)
	}
	if len(files) < 7 {
		t.Fatalf("only %d files are changed", len(files))
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	folder := t.TempDir()
	for name, text := range files {
		file := filepath.Join(folder, strings.ReplaceAll(name, "/", "+"))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[filepath.Join(root, name)] = file
	}
	data, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	// The folder is in the overlay only, so the test has to run elsewhere.
	binary := filepath.Join(folder, "requireheader.test")
	build := exec.Command("go", "test", "-vet=off", "-overlay", file, "-c", "-o", binary, "./filter/internal/policy/requireheader")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run := exec.Command(binary, "-test.v")
	run.Dir = folder
	out, err := run.CombinedOutput()
	for _, test := range []string{"TestRequireHeader", "TestRequireHeaderProblems"} {
		if err != nil || !strings.Contains(string(out), "--- PASS: "+test+" ") {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	t.Logf("%s", out)
}

// inserted puts the lines of a diff with "+" behind the line before them, which
// may be aligned in another way.
func inserted(t *testing.T, name, text, diff string) string {
	t.Helper()
	lines := slices.Collect(strings.Lines(text))
	at := -1
	for line := range strings.Lines(diff) {
		sign, line := line[:1], line[1:]
		if sign == "+" {
			lines = slices.Insert(lines, at, line)
			at++
			continue
		}
		at = 1 + slices.IndexFunc(lines, func(have string) bool { return slices.Equal(strings.Fields(have), strings.Fields(line)) })
		if sign != " " || at == 0 {
			t.Fatalf("%s has no line %q", name, line)
		}
	}
	return strings.Join(lines, "")
}
