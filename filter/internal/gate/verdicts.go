package gate

import "github.com/sallyport-gateway/sallyport/filter/internal/fault"

// wake is called when what the stream waits for has come, in whatever callback
// that is. The verdict comes with giveVerdicts.
func (s *Stream) wake() {
	s.woken = true
	if s.line != nil && s.line == s.gate.parked {
		s.queue(s.gate.due)
	}
}

// giveVerdicts is the end of every callback in which streams may have fallen
// due, whatever for. It serves maxVerdicts of them, who came first first. While
// any remain, the VM calls itself back: at once by a message, or else at the
// next tick, which is also what makes up for a panic.
func (g *Gate) giveVerdicts() {
	if g.due.next == g.due {
		return
	}
	now := g.host.NowNanos()
	for given := 0; given < maxVerdicts && g.due.next != g.due; {
		if g.due.next.serve(now) {
			given++
		}
	}
	if g.due.next != g.due {
		g.peers.callBack(now)
	}
}

// serve goes on with a stream that is due. It reports whether that may have cost
// a verdict: a stream that is gone for the host, or was refused while it waited,
// costs none. The stream must be selected before anything can be done to it. A
// panic stays with the stream that caused it; those that are due in the same
// callback are served all the same.
func (s *Stream) serve(now int64) (served bool) {
	if s.phase != deciding || !s.gate.host.Select(s.id) {
		s.leave()
		return false
	}
	s.queue(s.gate.parked)
	served = true // also after a panic
	defer s.settle()
	if !s.woken {
		s.giveUp(fault.IntrospectionDeadline)
		return
	}
	s.woken = false
	if s.advance(now) == Pass {
		s.gate.host.Resume()
	}
	return
}

// settle is deferred by serve.
func (s *Stream) settle() {
	if recover() != nil {
		s.gate.Panicked("a parked stream")
		s.Fail()
	}
	if s.phase != deciding {
		s.leave()
	}
}
