package decode

import "unicode/utf8"

// quote is strconv.QuoteToASCII, which brings a table of all that is printable
// beyond ASCII: 15 KiB of a module.
func quote(s string) string {
	b := make([]byte, 0, len(s)+2)
	b = append(b, '"')
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case size == 1 && r == utf8.RuneError:
			b = appendHex(b, 'x', rune(s[i]), 2)
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case '\a' <= r && r <= '\r':
			b = append(b, '\\', "abtnvfr"[r-'\a'])
		case r < ' ' || r == 0x7f:
			b = appendHex(b, 'x', r, 2)
		case r < utf8.RuneSelf:
			b = append(b, byte(r))
		case r < 0x10000:
			b = appendHex(b, 'u', r, 4)
		default:
			b = appendHex(b, 'U', r, 8)
		}
		i += size
	}
	return string(append(b, '"'))
}

// appendHex writes a backslash, a letter and so many hex digits.
func appendHex(b []byte, letter byte, r rune, digits int) []byte {
	b = append(b, '\\', letter)
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		b = append(b, "0123456789abcdef"[r>>shift&15])
	}
	return b
}
