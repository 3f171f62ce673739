package jsonobject

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzAppendString reads back what was quoted.
func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "a", `"\`, "\x00\x1f\x7f", "é€😀\u2028", "</script>&"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		quoted := AppendString([]byte("x"), s)
		var got string
		if err := json.Unmarshal(quoted[1:], &got); err != nil || got != s || quoted[0] != 'x' {
			t.Errorf("AppendString of %q = %q, which reads as %q, %v", s, quoted, got, err)
		}
	})
}
