package catalog

import (
	"strings"
	"unicode/utf8"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
)

// pathKind is what one look at a request path shows. The zero value denies.
type pathKind uint8

const (
	ambiguousPath pathKind = iota
	plainPath              // every backend reads it as it stands
	casedPath              // a lenient backend reads it as its fold
	encodedPath            // as casedPath, unless fold finds it ambiguous
)

// AmbiguousPath reports whether the gateway and a backend could understand a
// request path differently. Such a request must be refused before anything is
// decided by its path. Ambiguous are:
//
//   - "//", and the levels "." and "..", also before ";" as some servers cut
//     path parameters off first, and with blanks around them, which some trim;
//     a level that has parameters or blanks and no name;
//   - a backslash, "#", "?", blanks, control and non-ASCII bytes;
//   - percent-encoded "/", "\", ".", "?", "#" and control characters, also when
//     they are encoded twice or more, digit by digit, or as a character that
//     Windows or Unicode's compatibility forms turn into one of them; a "%"
//     without two hex digits, and one that IIS reads as "%uXXXX";
//     percent-encoded bytes that are not UTF-8 (an overlong "/" among them).
func AmbiguousPath(path string) bool {
	switch kindOf(path) {
	case plainPath, casedPath:
		return false
	case encodedPath:
		_, ok := fold(path)
		return !ok
	}
	return true
}

// kindOf looks at each byte once and allocates nothing.
func kindOf(path string) pathKind {
	kind := plainPath
	level := 0 // where the level begins
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
		case c == '/':
			if i > 0 && (path[i-1] == '/' || path[i-1] == '.') {
				if kind = kindOfLevel(kind, path[level:i]); kind == ambiguousPath {
					return kind
				}
			}
			level = i + 1
		case c <= ' ' || c >= 0x7f || c == '\\' || c == '#' || c == '?':
			return ambiguousPath
		case c == '%' || c == ';':
			kind = encodedPath
		case 'A' <= c && c <= 'Z' || c == '$':
			kind = max(kind, casedPath)
		}
	}
	if len(path) > level && path[len(path)-1] == '.' {
		return kindOfLevel(kind, path[level:])
	}
	return kind
}

// kindOfLevel is for a level that is empty or ends with a dot.
func kindOfLevel(kind pathKind, level string) pathKind {
	switch level {
	case "", ".", "..":
		return ambiguousPath
	}
	return max(kind, casedPath)
}

// plainEscape gives the length of the percent-encoded character at the start
// of s, several escapes when it is not ASCII; 0 when it is not well-formed or
// is one that makes a path ambiguous.
func plainEscape(s string) int {
	b, ok := unescape(s)
	if !ok {
		return 0
	}
	if b < utf8.RuneSelf {
		if refused(b) {
			return 0
		}
		return 3
	}
	var encoded [utf8.UTFMax]byte
	n := 0
	for n < len(encoded) {
		b, ok := unescape(s[3*n:])
		if !ok || b < utf8.RuneSelf {
			break
		}
		encoded[n] = b
		n++
	}
	r, size := utf8.DecodeRune(encoded[:n])
	if r == utf8.RuneError && size <= 1 || r < 0xa0 { // below: the C1 controls
		return 0
	}
	return 3 * size
}

// refused are the characters that must not be there in any encoding: those that
// end a level or the path, or are a level.
func refused(b byte) bool {
	return b < ' ' || b == 0x7f || b == '/' || b == '\\' || b == '.' || b == '?' || b == '#'
}

// unescape decodes the "%XX" at the start of s.
func unescape(s string) (b byte, ok bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	return ascii.Unhex(s[1], s[2])
}

// decodePath percent-decodes a path that is not ambiguous, once.
func decodePath(path string) string {
	if !strings.Contains(path, "%") {
		return path
	}
	decoded := make([]byte, 0, len(path))
	for i := 0; i < len(path); i++ {
		if b, ok := unescape(path[i:]); ok {
			decoded = append(decoded, b)
			i += 2
			continue
		}
		decoded = append(decoded, path[i])
	}
	return string(decoded)
}
