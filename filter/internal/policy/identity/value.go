package identity

// EncodeValue makes any string fit for a header value, and keeps printable
// ASCII readable. '%', every byte outside 0x21 to 0x7e, and a blank at either
// end become %XX (RFC 3986 section 2.1); blanks inside stay. Hosts do not check
// what a filter sets: a raw CR or LF would begin a header of its own, and a raw
// blank at an end would be lost on the way.
func EncodeValue(s string) string {
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
