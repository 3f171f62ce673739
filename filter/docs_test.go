package main_test

import (
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
)

// TestReasonsInREADME holds the operator's table against the one in the code.
func TestReasonsInREADME(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, r := range denial.Reasons() {
		known[r.String()] = true
		row := fmt.Sprintf("| `%s` | %d | `%s` | ", r, r.Status(), r.ErrorCode())
		if !strings.Contains(string(text), row) {
			t.Errorf("README.md lacks the row %q", row)
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+\\.[a-z_]+)` \\| [0-9]{3} \\|").FindAllStringSubmatch(string(text), -1) {
		if !known[row[1]] {
			t.Errorf("README.md has a row for %q, which is no reason", row[1])
		}
	}
}

// TestMetricsInREADME: the operator's table has every metric that the filter's source names.
func TestMetricsInREADME(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(readme), "\n## Metrics\n")
	table, _, _ = strings.Cut(table, "\n## ")
	metric, found := regexp.MustCompile(`"(sallyport_[a-z_]+)`), map[string]bool{}
	err = fs.WalkDir(os.DirFS("internal"), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || path == "abi/allocations_on.go" { // for a test alone
			return err
		}
		text, err := fs.ReadFile(os.DirFS("internal"), path)
		for _, m := range metric.FindAllSubmatch(text, -1) {
			found[string(m[1])] = true
		}
		return err
	})
	if err != nil || len(found) < 10 {
		t.Fatalf("%d metrics in the source: %v", len(found), err)
	}
	for name := range found {
		if !strings.Contains(table, "`"+name) {
			t.Errorf("README.md lacks the metric %s", name)
		}
	}
}

// TestReasonsInTroubleshooting: the page says what to do about each reason, once.
func TestReasonsInTroubleshooting(t *testing.T) {
	const page = "../docs/troubleshooting.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*) \\|").FindAllStringSubmatch(string(text), -1) {
		for _, word := range regexp.MustCompile("`([a-z_]+\\.[a-z_]+)`").FindAllStringSubmatch(row[1], -1) {
			rows[word[1]]++
		}
	}
	for _, r := range denial.Reasons() {
		if rows[r.String()] != 1 {
			t.Errorf("%s has %d rows for %s, want 1", page, rows[r.String()], r)
		}
		delete(rows, r.String())
	}
	for word := range rows {
		t.Errorf("%s has a row for %s, which is no reason", page, word)
	}
}
