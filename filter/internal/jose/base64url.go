package jose

import "github.com/sallyport-gateway/sallyport/filter/internal/sha256"

// The digits of base64url, and back; encoding/base64 would cost the guest
// 16 KB.
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// notDigit is more than any digit.
const notDigit = 64

var digitOf = func() (of [256]byte) {
	for i := range of {
		of[i] = notDigit
	}
	for i := range len(alphabet) {
		of[alphabet[i]] = byte(i)
	}
	return of
}()

// decode reads base64url without padding (RFC 7515 section 2). It refuses set
// bits after the last byte: two texts for one signature would make two tokens
// of one.
func decode(s string) ([]byte, bool) {
	out := make([]byte, 0, len(s)/4*3+3)
	for len(s) >= 4 {
		a, b, c, d := digitOf[s[0]], digitOf[s[1]], digitOf[s[2]], digitOf[s[3]]
		if a|b|c|d >= notDigit {
			return nil, false
		}
		out = append(out, a<<2|b>>4, b<<4|c>>2, c<<6|d)
		s = s[4:]
	}
	switch len(s) {
	case 0:
		return out, true
	case 2:
		a, b := digitOf[s[0]], digitOf[s[1]]
		return append(out, a<<2|b>>4), a|b < notDigit && b&15 == 0
	case 3:
		a, b, c := digitOf[s[0]], digitOf[s[1]], digitOf[s[2]]
		return append(out, a<<2|b>>4, b<<4|c>>2), a|b|c < notDigit && c&3 == 0
	}
	return nil, false
}

// Digest is the SHA-256 of a text in base64url, as ath has it (RFC 9449 section 4.1).
func Digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return Encode(sum[:])
}

// Encode writes base64url without padding (RFC 7515 section 2).
func Encode(b []byte) string {
	out := make([]byte, 0, (len(b)+2)/3*4)
	for len(b) >= 3 {
		out = append(out, alphabet[b[0]>>2], alphabet[b[0]&3<<4|b[1]>>4], alphabet[b[1]&15<<2|b[2]>>6], alphabet[b[2]&63])
		b = b[3:]
	}
	switch len(b) {
	case 1:
		out = append(out, alphabet[b[0]>>2], alphabet[b[0]&3<<4])
	case 2:
		out = append(out, alphabet[b[0]>>2], alphabet[b[0]&3<<4|b[1]>>4], alphabet[b[1]&15<<2])
	}
	return string(out)
}

// EncodePadded writes base64 with padding (RFC 4648 section 4).
func EncodePadded(b []byte) string {
	out := []byte(Encode(b))
	for i, c := range out {
		switch c {
		case '-':
			out[i] = '+'
		case '_':
			out[i] = '/'
		}
	}
	return string(out) + "==="[:(4-len(out)%4)%4]
}

// decodePadded reads base64 with padding (RFC 4648 section 4).
func decodePadded(b []byte) ([]byte, bool) {
	if len(b)%4 != 0 {
		return nil, false
	}
	digits := len(b)
	for digits > len(b)-2 && digits > 0 && b[digits-1] == '=' {
		digits--
	}
	b = b[:digits]
	for i, c := range b {
		switch c {
		case '+':
			b[i] = '-'
		case '/':
			b[i] = '_'
		case '-', '_':
			return nil, false
		}
	}
	return decode(string(b))
}
