package docs

import (
	"slices"
	"strings"
	"testing"
)

// TestTroubleshootingIsRead: what other packages show of the page is what
// stands in it.
func TestTroubleshootingIsRead(t *testing.T) {
	all, seen := Troubleshooting(), map[string]bool{}
	for _, a := range all {
		if a.Section == "" || a.Text == "" || strings.ContainsAny(a.Text, "`\x00") || strings.Contains(a.Text, "](") {
			t.Errorf("%q: %q", a.Section, a.Text)
		}
		for _, reason := range a.Reasons {
			if seen[reason] {
				t.Errorf("%s has two rows", reason)
			}
			seen[reason] = true
		}
	}
	// Each reason in the first cell of a row is found.
	for line := range strings.Lines(troubleshooting) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cell, _, _ := strings.Cut(line[2:], "|")
		for name := range strings.SplitSeq(cell, ",") {
			if name = strings.Trim(strings.TrimSpace(name), "`"); !seen[name] {
				t.Errorf("%s is not found", name)
			}
		}
	}
	i := slices.IndexFunc(all, func(a Advice) bool { return slices.Contains(a.Reasons, "api_key.unknown") })
	const want = `No app has this key: it belongs to another environment, or was cut off when copied. The output of printf %s "$KEY" | sha256sum must be in the file.`
	if i < 0 || all[i].Text != want || all[i].Section != "API keys" {
		t.Errorf("the advice on an unknown key is %+v", all[max(i, 0)])
	}
	for cell, want := range map[string]string{" `sallyport keys rotate` ": "sallyport keys rotate", " a [b](c) \x00 `d`. ": "A b | d.", "``": "", "": ""} {
		if got := plain(cell); got != want {
			t.Errorf("%q: %q, want %q", cell, got, want)
		}
	}
}
