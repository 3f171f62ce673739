package decode

import "unicode/utf8"

// quote does what strconv.QuoteToASCII does, which needs a table of all
// printable characters beyond ASCII: 15 KiB of a module.
func quote(s string) string {
	b := make([]byte, 0, len(s)+2)
	b = append(b, '"')
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		sign, digits := byte(0), 0 // after a backslash
		switch {
		case size == 1 && r == utf8.RuneError:
			r, sign, digits = rune(s[i]), 'x', 2
		case r == '"' || r == '\\':
			sign = byte(r)
		case '\a' <= r && r <= '\r':
			sign = "abtnvfr"[r-'\a']
		case r < ' ' || r == 0x7f:
			sign, digits = 'x', 2
		case r >= 0x10000:
			sign, digits = 'U', 8
		case r >= utf8.RuneSelf:
			sign, digits = 'u', 4
		}
		if sign == 0 {
			b = append(b, byte(r))
		} else {
			b = append(b, '\\', sign)
		}
		for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
			b = append(b, "0123456789abcdef"[r>>shift&15])
		}
		i += size
	}
	return string(append(b, '"'))
}
