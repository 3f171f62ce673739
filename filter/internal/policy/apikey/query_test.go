package apikey

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/formdata"
)

// pieces splits at '&' and at ';'.
func pieces(query string) []string {
	return strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == ';' })
}

func carries(parameter, name string) bool {
	raw, _, _ := strings.Cut(parameter, "=")
	return formdata.Decode(raw) == name
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
