package config

import (
	"path/filepath"
	"regexp"
	"testing"
)

// located is a problem at a place of the document; remedied says what to write, or what to do.
var (
	located  = regexp.MustCompile(`^[a-z_][a-z0-9_]*(\[[0-9]+\])?(\.[^ :]+)*: `)
	remedied = regexp.MustCompile(`\b(must|use|give|write|put|remove|add|choose|did you mean|known members|is required|needs|say|leave|would|twice|same|without)\b`)
)

// ofTheWhole are fixtures whose document cannot be read, or whose member has no name that could be shown.
var ofTheWhole = regexp.MustCompile(`empty|trailing|yaml|deep|null|list|cut_off|control_bytes`)

// TestMistakes: the fixtures are at least 60 mistakes that operators make, and each of their messages, which other tests hold
// word for word, says where and what to do.
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	mistakes, whole := 0, 0
	for _, file := range files {
		f := readFixture(t, file)
		if len(f.want) > 0 {
			mistakes++
		}
		for _, message := range f.want {
			if !located.MatchString(message) {
				whole++ // of the document as a whole
				if !ofTheWhole.MatchString(file) {
					t.Errorf("%s: %q has no path", file, message)
				}
			}
			if !remedied.MatchString(message) {
				t.Errorf("%s: %q has no remedy", file, message)
			}
		}
	}
	t.Logf("%d mistakes, %d messages of a document as a whole", mistakes, whole)
	if mistakes < 60 {
		t.Errorf("%d mistakes, want 60", mistakes)
	}
}
