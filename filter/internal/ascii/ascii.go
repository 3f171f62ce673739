// Package ascii has the part of package strings that the guest needs, for text
// that is ASCII by definition: header names, hosts, tokens. The functions of
// strings pull in the Unicode tables, 50 KiB of a module of 3 MiB.
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

// SameVariable compares two header names as seen by backends that turn them
// into variables: CGI (RFC 3875 section 4.1.18), PHP, WSGI. Letter case does
// not matter, and every byte that is neither a letter nor a digit is the same
// separator.
func SameVariable(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && folded(a[i]) != folded(b[i]) {
			return false
		}
	}
	return true
}

// Variable is the one spelling of all names that SameVariable considers the
// same.
func Variable(name string) string {
	b := []byte(name)
	for i := range b {
		b[i] = folded(b[i])
	}
	return string(b)
}

func folded(c byte) byte {
	switch c = lower(c); {
	case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
		return c
	}
	return '-'
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// Trim removes the bytes in cut from both ends.
func Trim(s, cut string) string {
	for s != "" && strings.IndexByte(cut, s[0]) >= 0 {
		s = s[1:]
	}
	for s != "" && strings.IndexByte(cut, s[len(s)-1]) >= 0 {
		s = s[:len(s)-1]
	}
	return s
}

// Join puts a separator between texts.
//
//go:noinline
func Join(list []string, separator string) string {
	if len(list) == 1 {
		return list[0]
	}
	var b []byte
	for i, s := range list {
		if i > 0 {
			b = append(b, separator...)
		}
		b = append(b, s...)
	}
	return string(b)
}

// Number parses a number up to highest, written in decimal digits and nothing
// else. The errors of strconv's parsers quote what they refuse, which needs a
// table of all printable characters: 15 KiB of a module.
//
//go:noinline
func Number(digits string, highest int64) (n int64, ok bool) {
	for i := range len(digits) {
		digit := digits[i] - '0'
		if digit > 9 || n > highest/10 {
			return 0, false
		}
		if n = 10*n + int64(digit); n < 0 || n > highest {
			return 0, false
		}
	}
	return n, digits != ""
}
