// Package formdata reads names and values of a query as form data, as backends
// do (WHATWG URL, section 5.1).
package formdata

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
)

// decodedByte gives the byte that s begins with, read as form data (WHATWG URL,
// section 5.1), and how many bytes of s stand for it. A percent sign without
// two hex digits stands for itself.
func decodedByte(s string) (b byte, size int) {
	switch {
	case s[0] == '+':
		return ' ', 1
	case s[0] == '%' && len(s) >= 3:
		if b, ok := ascii.Unhex(s[1], s[2]); ok {
			return b, 3
		}
	}
	return s[0], 1
}

// Decode decodes a name or value of form data.
func Decode(s string) string {
	if strings.IndexByte(s, '+') < 0 && strings.IndexByte(s, '%') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for s != "" {
		c, size := decodedByte(s)
		b = append(b, c)
		s = s[size:]
	}
	return string(b)
}

// DecodesTo reports whether Decode(s) is want, without allocating it.
func DecodesTo(s, want string) bool {
	for s != "" && want != "" {
		c, size := decodedByte(s)
		if c != want[0] {
			return false
		}
		s, want = s[size:], want[1:]
	}
	return s == "" && want == ""
}
