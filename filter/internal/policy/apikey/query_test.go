package apikey

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecoded(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""}, {"plain", "plain"}, {"a+b", "a b"}, {"%2B", "+"}, {"%2b", "+"}, {"%00", "\x00"}, {"%FF", "\xff"},
		{"%", "%"}, {"%4", "%4"}, {"%4g", "%4g"}, {"%g4", "%g4"}, {"%%41", "%A"}, {"%2541", "%41"}, {"a%", "a%"}, {"+%+", " % "},
	} {
		if got := decoded(tt.in); got != tt.want {
			t.Errorf("%q decodes to %q, want %q", tt.in, got, tt.want)
		}
	}
}

// What is well formed decodes as in net/url; the rest at least decodes one way.
func FuzzDecoded(f *testing.F) {
	for _, seed := range []string{"", "a+b", "%41%zz", "%", "%2", "100%25", "%C3%BC"} {
		f.Add(seed, "a b")
	}
	f.Fuzz(func(t *testing.T, s, want string) {
		got := decoded(s)
		if reference, err := url.QueryUnescape(s); err == nil && got != reference {
			t.Errorf("%q decodes to %q, want %q", s, got, reference)
		}
		if !decodesTo(s, got) {
			t.Errorf("%q does not decode to %q, what it decodes to", s, got)
		}
		if decodesTo(s, want) != (got == want) {
			t.Errorf("%q decodes to %q: wrong answer whether to %q", s, got, want)
		}
	})
}

// pieces splits at '&' and at ';'.
func pieces(query string) []string {
	return strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == ';' })
}

func carries(parameter, name string) bool {
	raw, _, _ := strings.Cut(parameter, "=")
	return decoded(raw) == name
}

func FuzzWithout(f *testing.F) {
	for _, seed := range []string{
		"", "apikey=K", "a=1&apikey=K&b=2", "a=1;apikey=K", "apikey=K;EY", "%61pikey=K&apikey", "&&apikey&&", ";apikey;&a", "a;apikey=1;b=2",
	} {
		f.Add(seed, "apikey", "a;b")
	}
	f.Add("a;x;b=K", "x", "a;b")
	f.Fuzz(func(t *testing.T, query, first, second string) {
		names := slices.DeleteFunc([]string{first, second}, func(n string) bool { return n == "" })
		edited, changed := without(query, names)
		if changed != (edited != query) {
			t.Errorf("%q became %q, changed %v", query, edited, changed)
		}
		var untouched []string
		for _, part := range strings.Split(query, "&") {
			if !slices.ContainsFunc(names, func(n string) bool {
				return carries(part, n) || slices.ContainsFunc(pieces(part), func(p string) bool { return carries(p, n) })
			}) {
				untouched = append(untouched, part)
			}
		}
		rest := strings.Split(edited, "&")
		for _, name := range names {
			for _, part := range append(pieces(edited), rest...) {
				if carries(part, name) {
					t.Errorf("%q became %q: %q is still there", query, edited, name)
				}
			}
		}
		// Every parameter that has nothing to remove is there, in order.
		for _, part := range rest {
			if len(untouched) > 0 && part == untouched[0] {
				untouched = untouched[1:]
			}
		}
		if len(untouched) > 0 && !(len(untouched) == 1 && untouched[0] == "" && edited == "") {
			t.Errorf("%q became %q: %q is lost", query, edited, untouched)
		}
		if again, changed := without(edited, names); changed {
			t.Errorf("%q became %q, and then %q", query, edited, again)
		}
		// Without semicolons nothing but whole parameters goes.
		if !strings.Contains(query, ";") {
			want := slices.DeleteFunc(strings.Split(query, "&"), func(part string) bool {
				return slices.ContainsFunc(names, func(n string) bool { return carries(part, n) })
			})
			if diff := cmp.Diff(strings.Join(want, "&"), edited); diff != "" {
				t.Errorf("%q (-want +got):\n%s", query, diff)
			}
		}
	})
}
