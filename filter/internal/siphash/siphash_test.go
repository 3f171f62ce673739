package siphash

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

// The key of the reference's vectors is 00 01 .. 0f, and the message of the n-th
// 00 01 .. n-1.
func reference(n int) string {
	message := make([]byte, n)
	for i := range message {
		message[i] = byte(i)
	}
	sum := Key{0x0706050403020100, 0x0f0e0d0c0b0a0908}.Sum(string(message))
	return hex.EncodeToString(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, sum[0]), sum[1]))
}

// TestVectors: vectors of the reference implementation (github.com/veorq/SipHash), some as they are, and
// all 64 by the SHA-256 of their bytes one after the other, as OpenSSL 3 gives them too.
func TestVectors(t *testing.T) {
	for n, want := range map[int]string{
		0: "a3817f04ba25a8e66df67214c7550293", 1: "da87c1d86b99af44347659119b22fc45",
		7: "a1f1ebbed8dbc153c0b84aa61ff08239", 8: "3b62a9ba6258f5610f83e264f31497b4",
		15: "5493e99933b0a8117e08ec0f97cfc3d9", 63: "5150d1772f50834a503e069a973fbd7c",
	} {
		if got := reference(n); got != want {
			t.Errorf("%d bytes: %s, want %s", n, got, want)
		}
	}
	all := ""
	for n := range 64 {
		all += reference(n)
	}
	bytes, err := hex.DecodeString(all)
	if err != nil {
		t.Fatal(err)
	}
	const want = "ecfaa9fe47ff788fa834a9863ea2715a2880cd37d2b8c3c194402838428119b9"
	if sum := sha256.Sum256(bytes); hex.EncodeToString(sum[:]) != want {
		t.Errorf("all vectors: %x, want %s", sum, want)
	}
}

// A sum depends on the message and the key, not on where the message lies.
func TestSumDependsOnMessageAndKeyOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		message := rapid.SliceOfN(rapid.Byte(), 1, 100).Draw(t, "message")
		k := Key{rapid.Uint64().Draw(t, "k0"), rapid.Uint64().Draw(t, "k1")}
		want := k.Sum(string(message))
		for shift := range 8 {
			room := append(make([]byte, shift), message...)
			if got := k.Sum(unsafe.String(&room[shift], len(message))); got != want {
				t.Fatalf("%x behind %d bytes, want %x", got, shift, want)
			}
		}
		if k.Sum(string(message)+"\x00") == want {
			t.Fatal("a byte more has the same sum")
		}
		message[rapid.IntRange(0, len(message)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		got := k.Sum(string(message))
		if got[0] == want[0] || got[1] == want[1] {
			t.Fatal("another message has a half of the same sum")
		}
		k[rapid.IntRange(0, 1).Draw(t, "half")] ^= 1 << rapid.IntRange(0, 63).Draw(t, "bit of key")
		if other := k.Sum(string(message)); other[0] == got[0] || other[1] == got[1] {
			t.Fatal("another key has a half of the same sum")
		}
	})
}

func TestNewKeysDiffer(t *testing.T) {
	if a, b := NewKey(), NewKey(); a[0] == b[0] || a[1] == b[1] || a[0] == a[1] {
		t.Errorf("keys %x and %x", a, b)
	}
}

func TestSumDoesNotAllocate(t *testing.T) {
	k, message, sink := NewKey(), strings.Repeat("a", 1001), Sum{}
	if n := testing.AllocsPerRun(100, func() { sink = k.Sum(message) }); n != 0 || sink == (Sum{}) {
		t.Errorf("%v objects for a sum", n)
	}
}

func BenchmarkSum(b *testing.B) {
	k, message := NewKey(), strings.Repeat("a", 731)
	for b.Loop() {
		k.Sum(message)
	}
}
