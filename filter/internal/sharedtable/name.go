package sharedtable

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/sha256"
)

// digestSize is enough of a hash for a name: 128 bits.
const digestSize = 16

// Digest is a text of a fixed length that stands for another one in a Layout's
// name.
//
//go:noinline
func Digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return ascii.Hex(sum[:digestSize])
}
