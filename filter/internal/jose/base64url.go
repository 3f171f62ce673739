package jose

import (
	"encoding/base64"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/sha256"
)

// encoding refuses set bits behind the last byte: two texts for one signature
// would be two tokens where there is one.
var encoding = base64.RawURLEncoding.Strict()

// decode reads base64url without padding (RFC 7515 section 2). The decoder
// itself would skip line ends.
func decode(s string) ([]byte, bool) {
	if strings.IndexByte(s, '\n') >= 0 || strings.IndexByte(s, '\r') >= 0 {
		return nil, false
	}
	b, err := encoding.DecodeString(s)
	return b, err == nil
}

// Digest is the SHA-256 of a text in base64url, as ath has it (RFC 9449 section 4.1).
func Digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return Encode(sum[:])
}

// Encode writes base64url without padding (RFC 7515 section 2).
func Encode(b []byte) string { return encoding.EncodeToString(b) }
