package identity

import "unsafe"

// EncodeValue makes any string fit for a header value, and keeps printable
// ASCII readable. '%', every byte outside 0x21 to 0x7e, and a blank at either
// end become %XX (RFC 3986 section 2.1); blanks inside stay. Hosts do not check
// what a filter sets: a raw CR or LF would begin a header of its own, and a raw
// blank at an end would be lost on the way.
func EncodeValue(s string) string {
	if printable(s) && (s == "" || s[0] != ' ' && s[len(s)-1] != ' ') {
		return s // as most are
	}
	const hex = "0123456789ABCDEF"
	extra := 0
	for i := range len(s) {
		if !plain(s, i) {
			extra += 2
		}
	}
	if extra == 0 {
		return s
	}
	b := make([]byte, 0, len(s)+extra)
	for i := range len(s) {
		if c := s[i]; plain(s, i) {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}

// printable reports whether all bytes are printable ASCII, blanks included, and
// none is '%'. It looks at eight at a time: adding 0x01 carries 0x7f, and with the
// high bits 0x80 and above, into the highest bit of a byte; subtracting 0x20 from
// a byte with that bit set leaves it set unless the byte is smaller, and so does
// subtracting 1 from what differs from '%'. No borrow crosses a byte then.
//
//go:noinline
func printable(s string) bool {
	const (
		ones  = 0x0101010101010101
		highs = 0x80 * ones
	)
	whole := len(s) &^ 7
	for i := 0; i < whole; i += 8 {
		w := *(*uint64)(unsafe.Add(unsafe.Pointer(unsafe.StringData(s)), i))
		if (w|(w&^highs+ones))&highs != 0 || ((w|highs)-' '*ones)&((w^'%'*ones|highs)-ones)&highs != highs {
			return false
		}
	}
	for i := whole; i < len(s); i++ {
		if c := s[i]; c < ' ' || c > '~' || c == '%' {
			return false
		}
	}
	return true
}

func plain(s string, i int) bool {
	switch c := s[i]; {
	case c == ' ':
		return i > 0 && i < len(s)-1
	case c == '%':
		return false
	default:
		return 0x21 <= c && c <= 0x7e
	}
}
