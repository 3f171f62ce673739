package engine

import "github.com/sallyport-gateway/sallyport/filter/internal/denial"

const (
	// maxParkedBytes bounds what the parked streams of one engine hold in its
	// VM. A bound on their number would not, as Envoy lets a request have 60
	// KiB of headers. Envoy holds the same amount again, and the bodies.
	maxParkedBytes = 16 << 20
	// parkedOverhead is counted for a parked stream beside its headers.
	parkedOverhead = 1 << 10
	// parkedRetrySeconds is sent to a client whose request waited too long or
	// could not wait.
	parkedRetrySeconds = 5
)

// newLine is an empty line: a ring of streams that begins and ends with a
// sentinel.
func newLine() *Stream {
	l := &Stream{}
	l.prev, l.next = l, l
	return l
}

// queue moves the stream to the end of a line. With nil it no longer waits, and
// its headers are released: a call in flight refers to the streams that wait
// for it until it has landed.
//
//go:noinline
func (s *Stream) queue(line *Stream) {
	if s.line != nil {
		s.prev.next, s.next.prev = s.next, s.prev
		s.engine.waiting -= s.size
	}
	s.line = line
	if line == nil {
		s.exchange.Headers = nil
		return
	}
	s.prev, s.next = line.prev, line
	s.prev.next, line.prev = s, s
	s.engine.waiting += s.size
}

// leave ends the stream's wait.
func (s *Stream) leave() {
	if s.line != nil {
		s.queue(nil)
	}
}

// park lets the stream wait until its deadline at most, or refuses it when too
// much waits already. A stream parked a second time keeps its first deadline.
func (s *Stream) park() Action {
	if s.line != nil {
		return Pause
	}
	s.size = parkedOverhead
	for _, h := range s.exchange.Headers {
		s.size += len(h.Name) + len(h.Value)
	}
	if s.engine.waiting+s.size > maxParkedBytes {
		return s.giveUp(denial.IntrospectionOverloaded)
	}
	s.deadline = s.exchange.Now + s.engine.longestWait()
	s.queue(s.engine.parked)
	return Pause
}

// longestWait is how long a stream may be parked, in nanoseconds.
func (e *Engine) longestWait() int64 { return int64(e.config.LongestWait() + deadlineMargin) }

// expire queues the streams that have waited too long to be refused, whatever
// the host does with their calls. A clock that was set back does not prolong a
// wait beyond the longest.
func (e *Engine) expire(now int64) {
	for s := e.parked.next; s != e.parked; {
		next := s.next
		s.deadline = min(s.deadline, now+e.longestWait())
		if now >= s.deadline {
			s.queue(e.due)
		}
		s = next
	}
}

// giveUp refuses an undecided stream that cannot wait, or cannot wait any
// longer.
func (s *Stream) giveUp(r denial.Reason) Action {
	d := denial.Denial{Reason: r, RetryAfterSeconds: parkedRetrySeconds}
	if !s.run.Fail(d) {
		return Pause
	}
	return s.refuse(d)
}
