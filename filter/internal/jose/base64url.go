package jose

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/base64"
	"github.com/sallyport-gateway/sallyport/filter/internal/sha256"
)

// decode reads base64url without padding (RFC 7515 section 2). Set bits behind the
// last byte are refused: two texts for one signature would be two tokens where
// there is one.
func decode(s string) ([]byte, bool) { return base64.DecodeURL(s) }

// Digest is the SHA-256 of a text in base64url, as ath has it (RFC 9449 section 4.1).
func Digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return Encode(sum[:])
}

// Encode writes base64url without padding (RFC 7515 section 2).
func Encode(b []byte) string { return base64.EncodeURL(b) }
