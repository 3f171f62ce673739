package catalog

import (
	"strings"
	"testing"
)

func TestWhenPathPattern(t *testing.T) {
	words := map[PathMatch]string{Unclear: "unclear", Matches: "matches", MatchesNot: "matches not"}
	for _, tt := range []struct {
		pattern, path string
		want          PathMatch
	}{
		{"/", "/", Matches},
		{"/", "/a", MatchesNot},
		{"/**", "/", Matches},
		{"/**", "/a/b/c", Matches},
		{"/orders", "/orders", Matches},
		{"/orders", "/orders/", Matches},
		{"/orders/", "/orders", Matches},
		{"/orders", "/orders/7", MatchesNot},
		{"/orders", "/order", MatchesNot},
		{"/orders", "/ordersx", MatchesNot},
		{"/orders/*", "/orders/7", Matches},
		{"/orders/*", "/orders/7/", Matches},
		{"/orders/*", "/orders", MatchesNot},
		{"/orders/*", "/orders/", MatchesNot},
		{"/orders/*", "/orders/7/lines", MatchesNot},
		{"/orders/*/lines", "/orders/7/lines", Matches},
		{"/orders/*/lines", "/orders/7/9/lines", MatchesNot},
		{"/orders/**", "/orders", Matches},
		{"/orders/**", "/orders/", Matches},
		{"/orders/**", "/orders/7/lines/1", Matches},
		{"/orders/**", "/ordersx/7", MatchesNot},
		{"/a/*/b/**", "/a/x/b", Matches},
		{"/a/*/b/**", "/a/x/b/y/z", Matches},
		{"/a/*/b/**", "/a/b/y", MatchesNot},
		{"/*.csv", "/report.csv", Matches},
		{"/*.csv", "/.csv", Matches},
		{"/*.csv", "/report.csvx", MatchesNot},
		{"/v*/items", "/v2/items", Matches},
		{"/v*/items", "/v/items", Matches},
		{"/a*b*c", "/abc", Matches},
		{"/a*b*c", "/a1b2c", Matches},
		{"/a*b*c", "/acb", MatchesNot},
		{"/a*b*c", "/ab", MatchesNot},
		{"/a*a", "/a", MatchesNot},
		{"/a*a", "/aa", Matches},
		{"/*x*", "/axb", Matches},
		{"/*x*", "/ab", MatchesNot},

		// The same path in other spellings.
		{"/admin/**", "/%61dmin/x", Matches},
		{"/admin/**", "/ADMIN/x", Unclear},
		{"/admin/**", "/adm%49n/x", Unclear},
		{"/admin/**", "/admin;v=1/x", Unclear},
		{"/admin/**", "/admin%20/x", Unclear},
		{"/admin/**", "/admin./x", Unclear},
		{"/admin/**", "/%2561dmin/x", Unclear},
		{"/admin/**", "/%EF%BD%81dmin/x", Unclear},
		{"/admin/**", "/admin/X", Matches},
		{"/admin", "/admin%00", Unclear},
		{"/admin", "/x/../admin", Unclear},
		{"/*.csv", "/report.csv;x=1", Unclear},
		{"/*.csv", "/report.CSV", Unclear},
		{"/orders/*", "/orders/A;b", Matches},
		{"/orders", "/Other", MatchesNot},
		{"/Orders", "/Orders", Matches},
		{"/Orders", "/orders", Unclear},
		{"/Orders", "/other", MatchesNot},
		{"/größe", "/", MatchesNot},
	} {
		p, err := ParsePathPattern(tt.pattern)
		if tt.pattern == "/größe" {
			if err == nil {
				t.Errorf("%s is taken", tt.pattern)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
			continue
		}
		if got := p.Match(tt.path); got != tt.want {
			t.Errorf("%s with %s: %s, want %s", tt.pattern, tt.path, words[got], words[tt.want])
		}
	}
}

func TestWhenPathPatternRefused(t *testing.T) {
	for _, pattern := range []string{
		"", "orders", "//", "/a//b", "/a/./b", "/..", "/a?b", "/a#b", "/a%20b", "/a;b", "/a b", "/a\\b", "/**/a", "/a**", "/***", "/**/", "/{id}", "/$", "/a\x00",
		"/" + strings.Repeat("a", MaxPathPatternBytes),
	} {
		if _, err := ParsePathPattern(pattern); err == nil {
			t.Errorf("%q is taken", pattern)
		}
	}
}

// FuzzWhenPathPattern: whatever a path is, a pattern that says the same without a star matches the same, and no path is both
// matched and, in a spelling that a lenient backend takes for the same, clearly not matched.
func FuzzWhenPathPattern(f *testing.F) {
	for _, seed := range []string{"/admin/x", "/ADMIN", "/adm%69n/", "/admin;a=b/c", "/%2561dmin", "/", "/a/b/c.csv", "/admin%20"} {
		f.Add("/admin/**", seed)
		f.Add("/*.csv", seed)
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		p, err := ParsePathPattern(pattern)
		if err != nil {
			return
		}
		m := p.Match(path)
		folded, ok := fold(path)
		if !ok || path == "" || path[0] != '/' {
			return
		}
		if n := p.Match(folded); m == MatchesNot && n == Matches || m == Matches && n == MatchesNot {
			t.Errorf("%q with %q: %d, and %d with its fold %q", pattern, path, m, n, folded)
		}
	})
}
