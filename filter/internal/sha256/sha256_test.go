package sha256

import (
	"bytes"
	stdlib "crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
)

// The examples of NIST's "Cryptographic Standards and Guidelines: SHA-256" and
// of FIPS 180-2 appendix B.
func TestSum256OfNISTExamples(t *testing.T) {
	tests := []struct{ name, message, want string }{
		{"nothing", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"one block", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
		{"many blocks", strings.Repeat("a", 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sum := Sum256([]byte(tt.message))
			if got := hex.EncodeToString(sum[:]); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestSum256IsThatOfTheStandardLibrary goes through every length on both sides of
// many block ends, with several messages each.
func TestSum256IsThatOfTheStandardLibrary(t *testing.T) {
	r := rand.NewChaCha8([32]byte{1})
	message := make([]byte, 1100)
	for length := range message {
		for range 8 {
			_, _ = r.Read(message)
			if got, want := Sum256(message[:length]), stdlib.Sum256(message[:length]); got != want {
				t.Fatalf("%d bytes %x: got %x, want %x", length, message[:length], got, want)
			}
		}
	}
}

func TestSum256LeavesTheMessageAlone(t *testing.T) {
	message := bytes.Repeat([]byte("x"), 200)
	Sum256(message[:70])
	if !bytes.Equal(message, bytes.Repeat([]byte("x"), 200)) {
		t.Error("the message was written to")
	}
}

func FuzzSum256(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(bytes.Repeat([]byte{0xff}, blockSize-lengthSize))
	f.Fuzz(func(t *testing.T, message []byte) {
		if got, want := Sum256(message), stdlib.Sum256(message); got != want {
			t.Errorf("%x: got %x, want %x", message, got, want)
		}
	})
}

func BenchmarkSum256(b *testing.B) {
	message := make([]byte, 1024)
	b.SetBytes(int64(len(message)))
	for b.Loop() {
		Sum256(message)
	}
}
