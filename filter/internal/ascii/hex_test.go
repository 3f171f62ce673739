package ascii_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
)

// TestHexIsPackageHex: all pairs of bytes are read, and all bytes written, as encoding/hex does.
func TestHexIsPackageHex(t *testing.T) {
	for i := range 1 << 16 {
		pair := []byte{byte(i >> 8), byte(i)}
		want, err := hex.DecodeString(string(pair))
		got, ok := ascii.Unhex(pair[0], pair[1])
		if ok != (err == nil) || ok && got != want[0] {
			t.Fatalf("Unhex(%q) = %#x, %v, want %x, %v", pair, got, ok, want, err)
		}
		if text := ascii.Hex(pair); text != hex.EncodeToString(pair) {
			t.Fatalf("Hex(%x) = %s", pair, text)
		}
		if ascii.IsHexDigit(pair[1]) != bytes.ContainsAny(pair[1:], "0123456789abcdefABCDEF") {
			t.Fatalf("IsHexDigit(%q)", pair[1])
		}
	}
}
