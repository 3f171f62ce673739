package engine

// wake is called when what the stream waits for has come, in whatever callback
// that happens. The verdict comes with giveVerdicts.
func (s *Stream) wake() {
	s.woken = true
	if s.line != nil && s.line == s.engine.parked {
		s.queue(s.engine.due)
	}
}

// giveVerdicts is the end of every callback in which streams may have fallen
// due, for whatever reason. It serves maxVerdicts of them, first come, first
// served. While any remain, the VM calls itself back: at once by a message, or
// else at the next tick, which also makes up for a panic.
func (e *Engine) giveVerdicts() {
	if e.due.next == e.due {
		return
	}
	now := e.host.NowNanos()
	for given := 0; given < maxVerdicts && e.due.next != e.due; {
		if e.due.next.serve(now) {
			given++
		}
	}
	if e.due.next != e.due {
		e.peers.callBack(now)
	}
}

// serve goes on with a stream that is due. It reports whether that may have
// cost a verdict: a stream that the host no longer knows, or that was refused
// while it waited, costs none. The stream must be selected before anything can
// be done to it. A panic affects only the stream that caused it; others that
// are due in the same callback are still served.
func (s *Stream) serve(now int64) (served bool) {
	if s.phase != deciding || !s.engine.host.Select(s.id) {
		s.leave()
		return false
	}
	s.queue(s.engine.parked)
	served = true // also after a panic
	defer s.settle()
	if !s.woken {
		s.giveUp(s.run.Late())
		return
	}
	s.woken = false
	if s.advance(now) == Pass {
		s.engine.host.Resume()
	}
	return
}

// settle is deferred by serve.
func (s *Stream) settle() {
	if recover() != nil {
		s.engine.Panicked("a parked stream")
		s.Fail()
	}
	if s.phase != deciding {
		s.leave()
	}
}
