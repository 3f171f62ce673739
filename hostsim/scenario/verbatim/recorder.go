package verbatim

import (
	"sync"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// recorder is a server's answer, and the requests that it has read.
type recorder struct {
	mu     sync.Mutex
	answer scenario.Answer
	seen   []Seen
	total  uint64 // of whole requests, over all exchanges
	cut    bool   // total has those that were cut, too
}

// SetAnswer changes the answer from the next request on.
func (s *recorder) SetAnswer(a scenario.Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = a
}

// Take answers the whole requests seen since the last Take.
func (s *recorder) Take() (whole []scenario.Request) {
	for _, seen := range s.TakeAll() {
		if !seen.Incomplete {
			whole = append(whole, seen.Request)
		}
	}
	return whole
}

// TakeAll is Take with requests that did not come to their end.
func (s *recorder) TakeAll() []Seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = nil
	return seen
}

// Total is how many whole requests were seen in all, and by a GRPCServer also those that were cut.
func (s *recorder) Total() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

// record keeps a request, and says how to answer it.
func (s *recorder) record(r Seen) scenario.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, r)
	if !r.Incomplete || s.cut {
		s.total++
	}
	return s.answer
}
