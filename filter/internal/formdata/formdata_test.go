package formdata

import (
	"net/url"
	"testing"
)

func TestDecode(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""}, {"plain", "plain"}, {"a+b", "a b"}, {"%2B", "+"}, {"%2b", "+"}, {"%00", "\x00"}, {"%FF", "\xff"},
		{"%", "%"}, {"%4", "%4"}, {"%4g", "%4g"}, {"%g4", "%g4"}, {"%%41", "%A"}, {"%2541", "%41"}, {"a%", "a%"}, {"+%+", " % "},
	} {
		if got := Decode(tt.in); got != tt.want {
			t.Errorf("%q decodes to %q, want %q", tt.in, got, tt.want)
		}
	}
}

// What is well formed decodes as in net/url; the rest at least decodes one way.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"", "a+b", "%41%zz", "%", "%2", "100%25", "%C3%BC"} {
		f.Add(seed, "a b")
	}
	f.Fuzz(func(t *testing.T, s, want string) {
		got := Decode(s)
		if reference, err := url.QueryUnescape(s); err == nil && got != reference {
			t.Errorf("%q decodes to %q, want %q", s, got, reference)
		}
		if !DecodesTo(s, got) {
			t.Errorf("%q does not decode to %q, what it decodes to", s, got)
		}
		if DecodesTo(s, want) != (got == want) {
			t.Errorf("%q decodes to %q: wrong answer whether to %q", s, got, want)
		}
	})
}
