package gate

import "github.com/sallyport-gateway/sallyport/filter/internal/fault"

// park notes that the stream waits, and until when at most. A stream parked a
// second time keeps its first deadline.
func (s *Stream) park() {
	if s.deadline.IsZero() {
		s.deadline = s.exchange.Now.Add(s.gate.config.LongestWait() + deadlineMargin)
	}
	s.gate.parked[s.id] = s
}

// wake is called in another callback than the stream's own, when what it waits
// for has come: the stream must be selected before anything can be done to it.
// A panic stays with the stream that caused it; those that wait for the same
// call are woken all the same.
func (s *Stream) wake() {
	if s.phase != deciding || !s.gate.host.Select(s.id) {
		delete(s.gate.parked, s.id)
		return
	}
	defer func() {
		if recover() != nil {
			s.gate.Panicked("a parked stream")
			s.Fail()
		}
	}()
	delete(s.gate.parked, s.id)
	if s.advance(s.gate.host.Now()) == Pass {
		s.gate.host.Resume()
	}
}

// deadlineRetrySeconds is told to a client whose request waited too long.
const deadlineRetrySeconds = 5

// expire refuses a stream that has waited too long, whatever the host does with
// its call.
func (s *Stream) expire() {
	delete(s.gate.parked, s.id)
	d := fault.Denial{Reason: fault.IntrospectionDeadline, RetryAfterSeconds: deadlineRetrySeconds}
	if s.phase != deciding || !s.gate.host.Select(s.id) || !s.run.Fail(d) {
		return
	}
	s.refuse(d)
}
