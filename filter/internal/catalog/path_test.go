package catalog

import "testing"

func TestAmbiguousPath(t *testing.T) {
	tests := []struct {
		name string
		path string
		want bool
	}{
		{"root", "/", false},
		{"plain", "/orders/12", false},
		{"ends in a slash", "/orders/", false},
		{"encoded blank", "/a%20b", false},
		{"encoded UTF-8", "/caf%C3%A9", false},
		{"encoded sub-delimiters", "/a%3Ab%40c", false},
		{"encoded percent", "/100%25", false},
		{"encoded percent, then one digit", "/100%252", false},
		{"encoded twice but harmless", "/a%2520b", false},
		{"path parameters", "/orders;v=1/12", false},
		{"dots inside a name", "/a..b/.hidden/v1.0/...", false},
		{"sub-delimiters", "/a!$&'()*+,=:@~_-", false},

		{"encoded slash", "/a%2fb", true},
		{"encoded slash, capital", "/a%2Fb", true},
		{"encoded backslash", "/a%5cb", true},
		{"encoded backslash, capital", "/a%5Cb", true},
		{"encoded NUL", "/a%00", true},
		{"encoded dot", "/%2e%2e/admin", true},
		{"encoded dot, capital, in a name", "/a%2Eb", true},
		{"encoded line end", "/a%0d%0a", true},
		{"encoded DEL", "/a%7f", true},
		{"encoded slash, twice encoded", "/a%252fb", true},
		{"encoded dot, three times encoded", "/%2525252e./x", true},
		{"twice encoded semicolon", "/..%253b/x", true},
		{"percent without digits", "/a%", true},
		{"percent with one digit", "/a%2", true},
		{"percent with no hex digits", "/a%zz", true},
		{"percent in the IIS manner", "/a%u002f", true},
		{"overlong slash", "/a%c0%afb", true},
		{"overlong slash, three bytes", "/a%e0%80%afb", true},
		{"encoded Latin-1", "/caf%e9", true},
		{"encoded C1 control", "/a%c2%85", true},
		{"encoded surrogate", "/a%ed%a0%80", true},
		{"half an encoded rune", "/a%c3x", true},
		{"backslash", `/a\b`, true},
		{"two slashes", "/a//b", true},
		{"two slashes in front", "//a", true},
		{"two slashes at the end", "/a//", true},
		{"dot level", "/./a", true},
		{"dot level at the end", "/a/.", true},
		{"dot dot level", "/a/../b", true},
		{"dot dot level at the end", "/a/..", true},
		{"dot dot before parameters", "/a/..;x=1/b", true},
		{"dot before parameters at the end", "/a/.;", true},
		{"dot dot before an encoded semicolon", "/a/..%3b/b", true},
		{"dot dot before an encoded semicolon, capital", "/a/..%3B/b", true},
		{"parameters of a nameless level", "/a/;x/b", true},
		{"parameters of a nameless level at the end", "/a/;", true},
		{"not ASCII", "/caf\xc3\xa9", true},
		{"control byte", "/a\x01", true},
		{"tab", "/a\tb", true},
		{"blank", "/a b", true},
		{"DEL", "/a\x7f", true},
		{"fragment", "/a#b", true},
		{"question mark", "/a?b", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := AmbiguousPath(tt.path); got != tt.want {
				t.Errorf("AmbiguousPath(%q) is %v", tt.path, got)
			}
		})
	}
}
