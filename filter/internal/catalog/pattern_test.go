package catalog

import (
	"net/url"
	"path"
	"strings"
	"testing"
)

func TestPattern(t *testing.T) {
	tests := []struct {
		pattern string
		matches []string
		not     []string
	}{
		{"/", []string{"/", "/a", "/a/b/"}, nil},
		{"/**", []string{"/a", "/a/", "/a/b"}, []string{"/"}},
		{"/*", []string{"/a", "/**"}, []string{"/", "/a/", "/a/b"}},
		{"/orders", []string{"/orders"}, []string{"/orders/", "/Orders", "/order", "/ordersx", "/orders/1", "/"}},
		{"/orders/", []string{"/orders/"}, []string{"/orders", "/orders/1"}},
		{"/orders/*", []string{"/orders/1", "/orders/*"}, []string{"/orders", "/orders/", "/orders/1/", "/orders/1/2"}},
		{"/orders/*/lines", []string{"/orders/1/lines"}, []string{"/orders/lines", "/orders/1/lines/", "/orders/1/2/lines", "/orders/1/line"}},
		{"/orders/**", []string{"/orders/1", "/orders/1/", "/orders/1/2"}, []string{"/orders", "/orders/", "/ordersx/1", "/order/1"}},
		{"/orders/*/**", []string{"/orders/1/2", "/orders/1/2/3"}, []string{"/orders/1", "/orders/1/", "/orders"}},
		{"/v1.0/a+b", []string{"/v1.0/a+b"}, []string{"/v1x0/a+b", "/v1.0/aab"}},
		{"/a%20b", []string{"/a b"}, []string{"/a%20b", "/ab"}},
	}
	for _, tt := range tests {
		t.Run(tt.pattern, func(t *testing.T) {
			p, err := parsePattern(tt.pattern)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range tt.matches {
				if !p.matches(s, false) {
					t.Errorf("%q does not match", s)
				}
			}
			for _, s := range append(tt.not, "") {
				if p.matches(s, false) {
					t.Errorf("%q matches", s)
				}
			}
		})
	}
}

func TestPatternRefused(t *testing.T) {
	tests := []struct{ name, pattern, want string }{
		{"empty", "", "required"},
		{"no slash in front", "orders", `start with "/"`},
		{"star in a level", "/orders/a*", "whole level"},
		{"stars in the middle", "/orders/**/x", "at its end"},
		{"stars before a slash", "/orders/**/", "at its end"},
		{"three stars", "/orders/***", "whole level"},
		{"stars in a level", "/orders/a**", "whole level"},
		{"dot levels", "/orders/../x", "plain path"},
		{"query", "/orders?x=1", "plain path"},
		{"encoded slash", "/a%2fb", "plain path"},
		{"two slashes", "/a//b", "plain path"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parsePattern(tt.pattern)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// outside reports whether a path, read as a lenient server may read it, leaves
// what the pattern says. It shares nothing with the matcher.
func outside(t *testing.T, pattern, request string) bool {
	t.Helper()
	decoded, err := url.PathUnescape(request)
	if err != nil {
		t.Fatalf("%q was granted and cannot be decoded: %v", request, err)
	}
	want, err := url.PathUnescape(pattern)
	if err != nil {
		t.Fatalf("pattern %q cannot be decoded: %v", pattern, err)
	}
	if want == "/" {
		return !strings.HasPrefix(path.Clean(decoded), "/")
	}
	below := strings.HasSuffix(want, "/**")
	wanted := levelsOf(strings.TrimSuffix(want, "/**"))
	got := levelsOf(path.Clean(decoded))
	if len(got) < len(wanted) || below != (len(got) > len(wanted)) {
		return true
	}
	for i, level := range wanted {
		if got[i] != level && level != "*" {
			return true
		}
	}
	return false
}

// levelsOf splits a path, without the empty level that a slash at the end makes.
func levelsOf(p string) []string {
	p = strings.Trim(p, "/")
	if p == "" {
		return nil
	}
	return strings.Split(p, "/")
}

func withoutServletParameters(p string) string {
	levels := strings.Split(p, "/")
	for i, level := range levels {
		levels[i], _, _ = strings.Cut(level, ";")
	}
	return strings.Join(levels, "/")
}

func FuzzPathMatch(f *testing.F) {
	for _, pattern := range []string{"/", "/**", "/*", "/orders", "/orders/", "/orders/*", "/orders/**", "/orders/*/lines", "/a%20b", "/*/**"} {
		for _, request := range []string{
			"/", "/orders", "/orders/", "/orders/1", "/orders/1/lines", "/orders/../admin", "/orders/%2e%2e/admin", "/orders/..;/admin",
			"/orders/;/", "/orders;x", "/a%20b", "/a b", "/orders/%2f", "/orders%2f..%2fadmin", "/%6frders/1", "/orders/%252e%252e/x", "/%c0%ae/x", "/o%3brders",
		} {
			f.Add(pattern, request)
		}
	}
	f.Fuzz(func(t *testing.T, pattern, request string) {
		c, problems := New(
			[]API{{Name: "a", Version: "v1", BasePath: "/"}},
			[]Product{{Name: "p", APIs: []ProductAPI{{Name: "a", Operations: []Operation{{Path: pattern}}}}}},
			[]App{{Name: "x", Developer: "d", Status: Approved, Products: []string{"p"}}},
		)
		if len(problems) > 0 {
			return
		}
		if _, ok := c.Grant(&c.apps[0], "a", "v1", "GET", request); !ok {
			return
		}
		if outside(t, pattern, request) {
			t.Errorf("pattern %q admits %q, which leaves it", pattern, request)
		}
		decoded, _ := url.PathUnescape(request)
		if !strings.Contains(strings.TrimPrefix(pattern, "/"), "%") && outside(t, pattern, url.PathEscape(withoutServletParameters(decoded))) {
			t.Errorf("pattern %q admits %q, which leaves it without its path parameters", pattern, request)
		}
		if again, err := url.PathUnescape(decoded); err == nil {
			if strings.Contains(again, "/../") || strings.Contains(again, "\x00") || strings.Count(again, "/") != strings.Count(request, "/") {
				t.Errorf("pattern %q admits %q, which changes its levels when it is decoded twice", pattern, request)
			}
		}
	})
}

func BenchmarkGrant(b *testing.B) {
	c, problems := New(
		[]API{{Name: "a", Version: "v1", BasePath: "/"}},
		[]Product{{Name: "p", APIs: []ProductAPI{{Name: "a", Operations: []Operation{{Path: "/items/*"}, {Path: "/orders/**", Methods: []string{"GET"}}}}}}},
		[]App{{Name: "x", Developer: "d", Status: Approved, Products: []string{"p"}}},
	)
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := c.Grant(&c.apps[0], "a", "v1", "GET", "/orders/12/lines/7"); !ok {
			b.Fatal("not granted")
		}
	}
}
