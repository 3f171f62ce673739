package hostsim_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
)

// TestReadmeFidelityTable holds the table of README.md against what the host registers: each hostcall and callback has
// one row, a state, a rule, and tests that exist.
func TestReadmeFidelityTable(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := testNames(t)
	rows := map[string]int{}
	for line := range strings.SplitSeq(string(readme), "\n") {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		name := cells[0]
		if len(cells) != 4 || !strings.HasPrefix(line, "| ") || !strings.Contains(name, "_") && name != "WASI" {
			continue
		}
		rows[name]++
		if !slices.Contains([]string{"full", "partial", "none"}, cells[1]) {
			t.Errorf("%s: state %q", name, cells[1])
		}
		if cells[2] == "" {
			t.Errorf("%s: no rule", name)
		}
		for test := range strings.SplitSeq(cells[3], ", ") {
			if !tests["Test"+test] {
				t.Errorf("%s: there is no Test%s", name, test)
			}
		}
	}
	want := slices.Concat([]string{"WASI"}, wasmhost.HostcallNames(), wasmhost.CallbackNames())
	for _, name := range want {
		if rows[name] != 1 {
			t.Errorf("%s has %d rows, want 1", name, rows[name])
		}
		delete(rows, name)
	}
	for name := range rows {
		t.Errorf("%s has a row and is not registered", name)
	}
}

// testNames are the tests of this folder, and those that look inside.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	inside, err := filepath.Glob("internal/envoy/http/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, inside...)
	names := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(string(text), -1) {
			names[m[1]] = true
		}
	}
	return names
}
