package introspection

import (
	"crypto/subtle"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
	"github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sha256"
)

// thumbprintBytes is the length of SHA-256 in base64url.
const thumbprintBytes = (sha256.Size*8 + 5) / 6

// readConfirmation reads cnf (RFC 7800 section 3): the thumbprints of a key
// (RFC 9449 section 6.1) and of a certificate (RFC 8705 section 3.1). If it
// demands any other proof, or cannot be read, nobody can prove it.
func readConfirmation(c *pipeline.Claims, v jsonobject.Value) {
	c.SenderConstrained = true
	members, err := jsonobject.Of(v)
	if err != nil {
		return
	}
	var key, certificate string
	for _, m := range members {
		value := m.Value.Content()
		if len(value) != thumbprintBytes {
			return
		}
		switch m.Name {
		case "jkt":
			key = strings.Clone(value)
		case "x5t#S256":
			certificate = strings.Clone(value)
		default:
			return
		}
	}
	c.KeyThumbprint, c.CertificateThumbprint = key, certificate
}

// sameThumbprint compares in constant time; an absent one matches none.
func sameThumbprint(want, have string) bool {
	return want != "" && subtle.ConstantTimeCompare([]byte(want), []byte(have)) == 1
}

// certificateThumbprint makes x5t#S256 of the digest in hex, as the host gives
// it; "" of anything else.
func certificateThumbprint(digest string) string {
	if len(digest) != 2*sha256.Size {
		return ""
	}
	var sum [sha256.Size]byte
	for i := range sum {
		b, ok := ascii.Unhex(digest[2*i], digest[2*i+1])
		if !ok {
			return ""
		}
		sum[i] = b
	}
	return jose.Encode(sum[:])
}
