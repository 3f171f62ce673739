package apikey

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

// decoded decodes a name or value of form data.
func decoded(s string) string {
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

// decodesTo tells whether decoded(s) is want, without making it.
func decodesTo(s, want string) bool {
	for s != "" && want != "" {
		c, size := decodedByte(s)
		if c != want[0] {
			return false
		}
		s, want = s[size:], want[1:]
	}
	return s == "" && want == ""
}

// without removes every parameter that has one of the names, and leaves the
// bytes of the others and their order alone. Parameters are split at '&'; some
// backends split at ';' too, and would find a key there, so the pieces between
// semicolons are removed likewise.
func without(query string, names []string) (edited string, changed bool) {
	var kept []string
	var part string
	for left, more := query, true; more; {
		part, left, more = strings.Cut(left, "&")
		rest := withoutPieces(part, names)
		if isNamed(part, names) || isNamed(rest, names) || rest == "" && part != "" {
			changed = true
			continue
		}
		changed = changed || rest != part
		kept = append(kept, rest)
	}
	if !changed {
		return query, false
	}
	return strings.Join(kept, "&"), true
}

func withoutPieces(part string, names []string) string {
	if !strings.Contains(part, ";") {
		return part
	}
	var kept []string
	var piece string
	for left, more := part, true; more; {
		piece, left, more = strings.Cut(left, ";")
		if !isNamed(piece, names) {
			kept = append(kept, piece)
		}
	}
	return strings.Join(kept, ";")
}

// isNamed tells whether a parameter has one of the names.
func isNamed(parameter string, names []string) bool {
	name, _, _ := strings.Cut(parameter, "=")
	for _, n := range names {
		if decodesTo(name, n) {
			return true
		}
	}
	return false
}
