// Package siphash implements SipHash-2-4 with 128 bits (Aumasson and Bernstein,
// "SipHash: a fast short-input PRF", with the doubled output of its reference
// implementation) for a text that is in memory as a whole. As long as the key
// is secret, nobody can find two texts with the same sum, or a text for a given
// sum, better than by chance; it takes a fraction of the time of SHA-256. With
// a known key it hides nothing.
package siphash

import (
	"math/bits"
	"math/rand/v2"
	"unsafe"
)

// Key is a secret key.
type Key [2]uint64

// Sum is a hash. Either half is as good as any hash of that size.
type Sum [2]uint64

// NewKey makes a key from the runtime's own random numbers: ChaCha8, seeded by
// the host's random_get.
//
//go:noinline
func NewKey() (k Key) {
	for i := range k {
		k[i] = rand.Uint64() //nolint:gosec // G404: see sharedtable.Seed
	}
	return k
}

// Sum is the hash of a message. It does not allocate.
func (k Key) Sum(message string) Sum {
	v0, v1 := k[0]^0x736f6d6570736575, k[1]^0x646f72616e646f6d^0xee
	v2, v3 := k[0]^0x6c7967656e657261, k[1]^0x7465646279746573
	whole := len(message) &^ 7
	for i := 0; i < whole; i += 8 {
		m := word(message, i)
		v3 ^= m
		v0, v1, v2, v3 = round(v0, v1, v2, v3)
		v0, v1, v2, v3 = round(v0, v1, v2, v3)
		v0 ^= m
	}
	m := uint64(len(message)) << 56
	for i := whole; i < len(message); i++ {
		m |= uint64(message[i]) << (8 * (i - whole))
	}
	v3 ^= m
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	v0 ^= m
	v2 ^= 0xee
	var sum Sum
	for i := range sum {
		for range 4 {
			v0, v1, v2, v3 = round(v0, v1, v2, v3)
		}
		sum[i] = v0 ^ v1 ^ v2 ^ v3
		v1 ^= 0xdd
	}
	return sum
}

// word reads the eight bytes of s from i on, little-endian, as is every machine
// that this runs on. For anything else the compiler emits eight loads on Wasm.
// The caller makes sure that s has them.
func word(s string, i int) uint64 {
	return *(*uint64)(unsafe.Add(unsafe.Pointer(unsafe.StringData(s)), i))
}

func round(v0, v1, v2, v3 uint64) (w0, w1, w2, w3 uint64) {
	v0 += v1
	v2 += v3
	v1 = bits.RotateLeft64(v1, 13) ^ v0
	v3 = bits.RotateLeft64(v3, 16) ^ v2
	v0 = bits.RotateLeft64(v0, 32)
	v2 += v1
	v0 += v3
	v1 = bits.RotateLeft64(v1, 17) ^ v2
	v3 = bits.RotateLeft64(v3, 21) ^ v0
	return v0, v1, bits.RotateLeft64(v2, 32), v3
}
