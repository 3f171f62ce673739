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
		{"encoded question mark", "/a%3fb", true},
		{"encoded question mark, capital", "/admin%3F", true},
		{"encoded number sign", "/a%23b", true},
		{"encoded number sign, twice encoded", "/a%2523b", true},
		{"dots whose digits are encoded again", "/%25%32%65%25%32%65/admin", true},
		{"slash whose digits are encoded twice", "/a%25%2532%2566b", true},
		{"percent in the IIS manner, encoded", "/a%25u002fb", true},
		{"overlong slash, twice encoded", "/a%25c0%25afb", true},
		{"half a rune, twice encoded", "/a%25c3b", true},
		{"C1 control, twice encoded", "/a%25c2%2585", true},
		{"full stop of full width", "/%EF%BC%8E%EF%BC%8E/admin", true},
		{"slash of full width", "/a%EF%BC%8Fb", true},
		{"backslash of full width", "/a%EF%BC%BCb", true},
		{"semicolon of full width", "/a%EF%BC%9Bb", true},
		{"percent of full width", "/a%EF%BC%852fb", true},
		{"question mark of full width", "/a%EF%BC%9Fb", true},
		{"division slash", "/a%E2%88%95b", true},
		{"fraction slash", "/a%E2%81%84b", true},
		{"one dot leader", "/%E2%80%A4%E2%80%A4/a", true},
		{"Greek question mark", "/a%CD%BEb", true},
		{"dot dot and a blank", "/..%20/a", true},
		{"blank and dot dot", "/%20../a", true},
		{"dot dot and something without width", "/..%E2%80%8B/a", true},
		{"a blank level", "/%20/a", true},
		{"a blank level of another width", "/%E3%80%80/a", true},
		{"blank before parameters", "/%20;x/a", true},

		{"letter of full width", "/%EF%BC%A1", false},
		{"ideographic full stop", "/%E3%80%82", false},
		{"ellipsis", "/a%E2%80%A6", false},
		{"dot at the end of a name", "/a./b.", false},
		{"blank around a name", "/%20a%20/b", false},
		{"colon and dollar", "/a:b$c/$metadata", false},
		{"capitals", "/Orders/AbC", false},

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
