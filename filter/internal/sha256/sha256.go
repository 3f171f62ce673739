// Package sha256 implements SHA-256 (FIPS 180-4) for a text that is in memory
// as a whole, and nothing else. The guest cannot afford crypto/sha256: the FIPS
// 140 module behind it links AES, SHA-3, HMAC and a random generator with their
// start-up tests, 160 KiB of a module of 3 MiB. Its tests compare it with
// crypto/sha256.
package sha256

import (
	"encoding/binary"
	"math/bits"
)

// Size is the length of a hash, in bytes.
const Size = 32

const (
	blockSize  = 64
	lengthSize = 8 // of the message's length in bits, at the end of the last block
)

// initial is the first hash value (FIPS 180-4 section 5.3.3).
var initial = [8]uint32{
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
}

// constants are those of section 4.2.2.
var constants = [64]uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}

// Sum256 is the hash of a message. It takes the same steps for all messages of
// the same length.
func Sum256(message []byte) (sum [Size]byte) {
	h := initial
	rest := message
	for ; len(rest) >= blockSize; rest = rest[blockSize:] {
		compress(&h, rest)
	}
	// The padding of section 5.1.1 needs one more block when there is no room
	// left for the length.
	var last [2 * blockSize]byte
	padded := blockSize
	if len(rest) >= blockSize-lengthSize {
		padded = 2 * blockSize
	}
	copy(last[:], rest)
	last[len(rest)] = 0x80
	binary.BigEndian.PutUint64(last[padded-lengthSize:], uint64(len(message))*8)
	for rest = last[:padded]; len(rest) > 0; rest = rest[blockSize:] {
		compress(&h, rest)
	}
	for i, word := range h {
		binary.BigEndian.PutUint32(sum[4*i:], word)
	}
	return sum
}

// compress works the first block of b into the hash value (section 6.2.2).
func compress(hash *[8]uint32, block []byte) {
	var w [64]uint32
	for t := range 16 {
		w[t] = binary.BigEndian.Uint32(block[4*t:])
	}
	for t := 16; t < 64; t++ {
		v, u := w[t-15], w[t-2]
		sigma0 := bits.RotateLeft32(v, -7) ^ bits.RotateLeft32(v, -18) ^ v>>3
		sigma1 := bits.RotateLeft32(u, -17) ^ bits.RotateLeft32(u, -19) ^ u>>10
		w[t] = sigma1 + w[t-7] + sigma0 + w[t-16]
	}
	a, b, c, d, e, f, g, h := hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]
	for t := range w {
		sum1 := bits.RotateLeft32(e, -6) ^ bits.RotateLeft32(e, -11) ^ bits.RotateLeft32(e, -25)
		t1 := h + sum1 + (e&f ^ ^e&g) + constants[t] + w[t]
		sum0 := bits.RotateLeft32(a, -2) ^ bits.RotateLeft32(a, -13) ^ bits.RotateLeft32(a, -22)
		t2 := sum0 + (a&b ^ a&c ^ b&c)
		a, b, c, d, e, f, g, h = t1+t2, a, b, c, d+t1, e, f, g
	}
	hash[0] += a
	hash[1] += b
	hash[2] += c
	hash[3] += d
	hash[4] += e
	hash[5] += f
	hash[6] += g
	hash[7] += h
}
