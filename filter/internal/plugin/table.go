package plugin

import "github.com/sallyport-gateway/sallyport/filter/internal/engine"

// table finds streams by their id: a map that allocates nothing per stream.
// Hosts count ids up, so their low bits spread them evenly. The zero value is
// empty.
type table struct {
	chains []*engine.Stream // a power of two of them
	count  int
}

// firstChains is for as many streams at once as most VMs ever have; the table
// doubles when there are more, and never shrinks.
const firstChains = 256

func (t *table) chain(id uint32) **engine.Stream { return &t.chains[int(id)&(len(t.chains)-1)] }

//go:noinline
func (t *table) find(id uint32) *engine.Stream {
	if t.count == 0 {
		return nil
	}
	s := *t.chain(id)
	for s != nil && s.ID() != id {
		s = s.Next
	}
	return s
}

// add adds a stream, which must not be there yet.
func (t *table) add(s *engine.Stream) {
	if t.count == len(t.chains) {
		t.grow()
	}
	chain := t.chain(s.ID())
	*chain, s.Next = s, *chain
	t.count++
}

// remove removes the stream and returns it; nil when it is not there.
func (t *table) remove(id uint32) *engine.Stream {
	if t.count == 0 {
		return nil
	}
	for at := t.chain(id); *at != nil; at = &(*at).Next {
		if s := *at; s.ID() == id {
			*at, s.Next = s.Next, nil
			t.count--
			return s
		}
	}
	return nil
}

func (t *table) grow() {
	old := t.chains
	t.chains = make([]*engine.Stream, max(firstChains, 2*len(old)))
	for _, s := range old {
		for s != nil {
			next := s.Next
			chain := t.chain(s.ID())
			*chain, s.Next = s, *chain
			s = next
		}
	}
}
