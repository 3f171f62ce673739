package gate

import "github.com/sallyport-gateway/sallyport/filter/internal/fault"

// park notes that the stream waits, and until when at most. A stream parked a
// second time keeps its first deadline.
func (s *Stream) park() {
	if s.deadline == 0 {
		s.deadline = s.exchange.Now + int64(s.gate.config.LongestWait()+deadlineMargin)
	}
	s.gate.parked[s.id] = s
}

// wake is called in another callback than the stream's own, when what it waits
// for has come.
func (s *Stream) wake() {
	s.unpark(func() {
		if s.advance(s.gate.host.NowNanos()) == Pass {
			s.gate.host.Resume()
		}
	})
}

// unpark takes the stream off those that wait and goes on with it, if it is
// still there: it must be selected before anything can be done to it. A panic
// stays with the stream that caused it; those that are woken or expire in the
// same callback are served all the same.
func (s *Stream) unpark(goOn func()) {
	delete(s.gate.parked, s.id)
	if s.phase != deciding || !s.gate.host.Select(s.id) {
		return
	}
	defer func() {
		if recover() != nil {
			s.gate.Panicked("a parked stream")
			s.Fail()
		}
	}()
	goOn()
}

// deadlineRetrySeconds is told to a client whose request waited too long.
const deadlineRetrySeconds = 5

// expire refuses a stream that has waited too long, whatever the host does with
// its call.
func (s *Stream) expire() {
	s.unpark(func() {
		d := fault.Denial{Reason: fault.IntrospectionDeadline, RetryAfterSeconds: deadlineRetrySeconds}
		if s.run.Fail(d) {
			s.refuse(d)
		}
	})
}
