package catalog

import (
	"strings"
	"unicode/utf8"
)

// AmbiguousPath reports whether the gateway and a backend could understand a
// request path differently. Such a request must be refused before anything is
// decided by its path. Ambiguous are:
//
//   - "//", and the levels "." and "..", also before ";" as some servers cut
//     path parameters off first, and a level that has parameters and no name;
//   - a backslash, "#", "?", blanks, control and non-ASCII bytes;
//   - percent-encoded "/", "\", "." and control characters, also when they are
//     encoded twice or more; a "%" without two hex digits; percent-encoded
//     bytes that are not UTF-8 (an overlong "/" among them).
func AmbiguousPath(path string) bool {
	level := 0 // where the level begins
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c <= ' ' || c >= 0x7f || c == '\\' || c == '#' || c == '?':
			return true
		case c == '%':
			size := plainEscape(path[i:])
			if size == 0 {
				return true
			}
			i += size - 1
		case c == '/':
			if i > 0 && path[i-1] == '/' || ambiguousLevel(path[level:i]) {
				return true
			}
			level = i + 1
		}
	}
	return ambiguousLevel(path[level:])
}

func ambiguousLevel(level string) bool {
	name := cutParameters(level)
	return name == "." || name == ".." || name == "" && level != ""
}

// cutParameters gives the level without ";" and what follows it, be the
// semicolon percent-encoded or not.
func cutParameters(level string) string {
	for i := 0; i < len(level); i++ {
		if level[i] == ';' || level[i] == '%' && i+2 < len(level) && level[i+1] == '3' && level[i+2]|0x20 == 'b' {
			return level[:i]
		}
	}
	return level
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
		final := finalByte(s, b)
		if refused(final) || final == ';' && b != ';' {
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

// finalByte is what b, the escape at the start of s, becomes for a server that
// decodes again and again: "%25" may begin another escape.
func finalByte(s string, b byte) byte {
	for i := 3; b == '%' && i+1 < len(s); i += 2 {
		hi, lo := unhex(s[i]), unhex(s[i+1])
		if hi > 15 || lo > 15 {
			break
		}
		b = hi<<4 | lo
	}
	return b
}

func refused(b byte) bool {
	return b < ' ' || b == 0x7f || b == '/' || b == '\\' || b == '.'
}

// unescape decodes the "%XX" at the start of s.
func unescape(s string) (b byte, ok bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	hi, lo := unhex(s[1]), unhex(s[2])
	return hi<<4 | lo, hi < 16 && lo < 16
}

func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 0xff
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

// withoutParameters cuts the path parameters off every level of a decoded
// path, as a servlet container does.
func withoutParameters(path string) string {
	if !strings.Contains(path, ";") {
		return path
	}
	plain := make([]byte, 0, len(path))
	inParameters := false
	for i := 0; i < len(path); i++ {
		switch path[i] {
		case '/':
			inParameters = false
		case ';':
			inParameters = true
		}
		if !inParameters {
			plain = append(plain, path[i])
		}
	}
	return string(plain)
}
