// Package base64 is RFC 4648 as the guest needs it: whole texts, strict, in two
// alphabets. encoding/base64 is 16 KiB of the module.
package base64

// Encode writes base64 with padding (section 4).
func Encode(b []byte) string {
	text := encode(b, "+/")
	for len(text)%4 != 0 {
		text = append(text, '=')
	}
	return string(text)
}

// EncodeURL writes base64url without padding (section 5).
func EncodeURL(b []byte) string { return string(encode(b, "-_")) }

// Decode reads base64 with padding. ok is false for anything that Encode would
// not have written: other bytes, line ends among them, a wrong length, or set
// bits behind the last byte.
func Decode(s string) (b []byte, ok bool) {
	if len(s)%4 != 0 {
		return nil, false
	}
	for range 2 {
		if s != "" && s[len(s)-1] == '=' {
			s = s[:len(s)-1]
		}
	}
	return decode(s, "+/")
}

// DecodeURL is like Decode for what EncodeURL writes.
func DecodeURL(s string) (b []byte, ok bool) { return decode(s, "-_") }

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// encode writes six bits a character; last are the characters for 62 and 63.
func encode(b []byte, last string) []byte {
	alphabet := letters + last
	text := make([]byte, 0, (len(b)+2)/3*4)
	var bits, count uint
	for _, c := range b {
		bits, count = bits<<8|uint(c), count+8
		for count >= 6 {
			count -= 6
			text = append(text, alphabet[bits>>count&63])
		}
	}
	if count > 0 {
		text = append(text, alphabet[bits<<(6-count)&63])
	}
	return text
}

func decode(s, last string) ([]byte, bool) {
	b := make([]byte, 0, len(s)*3/4)
	var bits, count uint
	for i := range len(s) {
		v, ok := value(s[i], last)
		if !ok {
			return nil, false
		}
		bits, count = bits<<6|v, count+6
		if count >= 8 {
			count -= 8
			b = append(b, byte(bits>>count))
		}
	}
	// A single character holds less than a byte.
	return b, count < 6 && bits&(1<<count-1) == 0
}

func value(c byte, last string) (v uint, ok bool) {
	switch {
	case 'A' <= c && c <= 'Z':
		return uint(c - 'A'), true
	case 'a' <= c && c <= 'z':
		return uint(c-'a') + 26, true
	case '0' <= c && c <= '9':
		return uint(c-'0') + 52, true
	case c == last[0]:
		return 62, true
	case c == last[1]:
		return 63, true
	}
	return 0, false
}
