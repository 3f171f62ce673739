// Package ascii has what the guest needs of package strings for text that is
// ASCII by definition: header names, hosts, tokens. The functions of strings
// bring the Unicode tables with them, 50 KiB of a module of 3 MiB.
package ascii

import "strings"

// Lower is s with the letters A to Z in lower case.
//
//go:noinline
func Lower(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				b[j] = lower(b[j])
			}
			return string(b)
		}
	}
	return s
}

// EqualFold compares without regard to the letter case of A to Z.
//
//go:noinline
func EqualFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// Replace is s with each byte from as to.
func Replace(s string, from, to byte) string {
	b := []byte(s)
	for i := range b {
		if b[i] == from {
			b[i] = to
		}
	}
	return string(b)
}

// Trim cuts the bytes of cut off both ends.
func Trim(s, cut string) string {
	for s != "" && strings.IndexByte(cut, s[0]) >= 0 {
		s = s[1:]
	}
	for s != "" && strings.IndexByte(cut, s[len(s)-1]) >= 0 {
		s = s[:len(s)-1]
	}
	return s
}

// Unhex is the byte that two hex digits of any case write.
func Unhex(high, low byte) (c byte, ok bool) {
	h, ok1 := digit(high)
	l, ok2 := digit(low)
	return h<<4 | l, ok1 && ok2
}

func digit(c byte) (byte, bool) {
	switch c = lower(c); {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}

// AppendJSON quotes s for JSON (RFC 8259 section 7). Bytes beyond ASCII stay as
// they are. encoding/json would cost the guest more than all of its texts.
//
//go:noinline
func AppendJSON(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
