package jose

import "github.com/sallyport-gateway/sallyport/filter/internal/sha256"

// nonces gives the k of RFC 6979 section 3.2 for a private key and a hash that
// was reduced modulo the order, one after the other until one is good.
func nonces(private, hash []byte) (next func() []byte) {
	s := &nonceState{value: make([]byte, sha256.Size), key: make([]byte, sha256.Size)}
	for i := range s.value {
		s.value[i] = 1
	}
	s.update([]byte{0}, private, hash)
	s.update([]byte{1}, private, hash)
	return func() []byte {
		s.value = hmacSHA256(s.key, s.value)
		k := s.value
		s.update([]byte{0})
		return k
	}
}

// nonceState is V and K of RFC 6979 section 3.2.
type nonceState struct{ value, key []byte }

//go:noinline
func (s *nonceState) update(more ...[]byte) {
	message := append([]byte(nil), s.value...)
	for _, m := range more {
		message = append(message, m...)
	}
	s.key = hmacSHA256(s.key, message)
	s.value = hmacSHA256(s.key, s.value)
}

// hmacSHA256 is HMAC (RFC 2104) with a key no longer than a block.
//
//go:noinline
func hmacSHA256(key, message []byte) []byte {
	const block = 64
	inner, outer := make([]byte, block, block+len(message)), make([]byte, block, block+sha256.Size)
	copy(inner, key)
	copy(outer, key)
	for i := range block {
		inner[i] ^= 0x36
		outer[i] ^= 0x5c
	}
	sum := sha256.Sum256(append(inner, message...))
	sum = sha256.Sum256(append(outer, sum[:]...))
	return sum[:]
}
