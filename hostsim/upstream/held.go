package upstream

import "sync"

// Held is a Cluster that answers the guest's calls when a test says so, on a fake clock without any time passing. A call
// that is not answered ends with the guest's timeout. It is not for the backend. The zero Held is ready.
type Held struct {
	mu      sync.Mutex
	waiting []*heldCall
}

type heldCall struct{ give func(Answer) }

// Answer holds the call.
func (h *Held) Answer(Call) Answer { return Answer{Held: h} }

// Waiting is how many calls wait for an answer.
func (h *Held) Waiting() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.waiting)
}

// Give answers the call that has waited for longest; false when none waits. The guest's callback has run when it returns.
func (h *Held) Give(a Answer) bool {
	h.mu.Lock()
	if len(h.waiting) == 0 {
		h.mu.Unlock()
		return false
	}
	call := h.waiting[0]
	h.waiting = h.waiting[1:]
	h.mu.Unlock()
	call.give(a)
	return true
}

// Await is the simulated host's: give is called with the answer, unless it is withdrawn before.
func (h *Held) Await(give func(Answer)) (withdraw func()) {
	call := &heldCall{give}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting = append(h.waiting, call)
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		for i, c := range h.waiting {
			if c == call {
				h.waiting = append(h.waiting[:i:i], h.waiting[i+1:]...)
				return
			}
		}
	}
}
