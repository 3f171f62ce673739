package sharedtable

import "github.com/sallyport-gateway/sallyport/filter/internal/sha256"

// digestSize is enough of a hash for a name: 128 bits.
const digestSize = 16

// Digest is a text of a fixed length that stands for another one in a Layout's
// name.
//
//go:noinline
func Digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return Hex(sum[:digestSize])
}

// Hex writes two digits a byte. encoding/hex would link fmt.
//
//go:noinline
func Hex(b []byte) string {
	const digits = "0123456789abcdef"
	text := make([]byte, 2*len(b))
	for i, c := range b {
		text[2*i], text[2*i+1] = digits[c>>4], digits[c&15]
	}
	return string(text)
}
