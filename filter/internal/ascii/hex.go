package ascii

// HexDigits are the sixteen digits that Hex writes.
const HexDigits = "0123456789abcdef"

// Hex writes two digits per byte, in lower case. encoding/hex would link fmt
// into the guest.
//
//go:noinline
func Hex(b []byte) string {
	text := make([]byte, 0, 2*len(b))
	for _, c := range b {
		text = append(text, HexDigits[c>>4], HexDigits[c&15])
	}
	return string(text)
}

// Unhex is the byte that two hexadecimal digits stand for, in either letter case.
func Unhex(high, low byte) (b byte, ok bool) {
	h, l := digit(high), digit(low)
	return h<<4 | l&15, h < 16 && l < 16
}

// IsHexDigit reports whether c is a hexadecimal digit, in either letter case.
func IsHexDigit(c byte) bool { return digit(c) < 16 }

// digit is the value of a hexadecimal digit, over 15 for anything else.
func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 0xff
}
