package breaker

import (
	"encoding/binary"
	"math/bits"

	"github.com/sallyport-gateway/sallyport/filter/internal/sha256"
)

// Mark stands for a token among those that are remembered to have failed: 9
// bits of its hash. Two tokens may have the same one; the second of them does
// not count then, so that a breaker opens a failure later, never sooner.
type Mark uint16

const (
	markWords = 8
	markBits  = 64 * markWords
)

// MarkOf is a token's mark. It leaves out which endpoint is asked, and as which
// client: one token at several steps is still one token.
func MarkOf(token string) Mark {
	sum := sha256.Sum256([]byte("sallyport outage mark v1\x00" + token))
	return Mark(binary.BigEndian.Uint16(sum[:]) % markBits)
}

// marks are the tokens that failed, as far as a record remembers them: one bit
// for each mark.
type marks [markWords]uint64

func (s *marks) bit(m Mark) (word *uint64, bit uint64) {
	return &s[m/64%markWords], 1 << (m % 64)
}

func (s *marks) has(m Mark) bool {
	word, bit := s.bit(m)
	return *word&bit != 0
}

func (s *marks) add(m Mark) {
	word, bit := s.bit(m)
	*word |= bit
}

func (s *marks) drop(m Mark) {
	word, bit := s.bit(m)
	*word &^= bit
}

// counts notes that the token failed and reports whether that is news. More
// tokens than half of the marks are no longer told apart, and each failure
// counts: at least that many tokens have failed.
func (s *marks) counts(m Mark) bool {
	news := !s.has(m)
	s.add(m)
	return news || s.size() > markBits/2
}

func (s *marks) size() (n int) {
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}
