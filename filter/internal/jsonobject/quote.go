package jsonobject

import "github.com/sallyport-gateway/sallyport/filter/internal/ascii"

// AppendString quotes s, which is UTF-8, for JSON (RFC 8259 section 7).
// encoding/json, or gjson's own, would cost the guest more than a table of
// reasons.
//
//go:noinline
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', ascii.HexDigits[c>>4], ascii.HexDigits[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
