package engine

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// Action is what a request callback returns to the host. The zero value holds
// the request back.
type Action uint8

const (
	Pause Action = iota
	Pass
)

// phase is how far a stream's verdict has come. It only ever moves forward, and
// each of the last two is entered once: a host obeys a local reply and a
// continue even when both come, so the client would read a refusal of a request
// that the backend got.
type phase uint8

const (
	fresh phase = iota
	deciding
	admitted
	refused // or answered in the backend's place
	gone
)

// Stream is one request. The zero value is not usable; Open makes one.
type Stream struct {
	// Next is for the adaptor, to keep streams in a list.
	Next *Stream

	engine   *Engine
	id       uint32
	phase    phase
	exchange pipeline.Exchange
	run      pipeline.Run
	resume   func()        // wake, made once for all requests that it serves
	began    int64         // unix nanoseconds
	reason   denial.Reason // why it was refused
	answered int           // the status of the refusal, 0 when the host must be asked
	recorded bool
	kept     bool // it was parked, and the headers are its own
	failed   bool // by a fault of our own
	replied  bool // in the backend's place, which is not a refusal

	// Its place among those that wait. It is in one line, from its first wait to
	// its verdict: parked, or due for a verdict.
	line       *Stream // which one; nil for none
	prev, next *Stream
	size       int   // bytes that are counted while it waits
	deadline   int64 // unix nanoseconds
	woken      bool  // what it waited for has come
}

// Open begins a stream under the host's id for it. The host may never ask for a
// verdict: a request that an earlier filter refused is opened only to be closed.
func (e *Engine) Open(id uint32) *Stream {
	s := e.pool.take()
	if s == nil {
		s = &Stream{engine: e}
		s.resume = s.wake
	}
	s.id = id
	return s
}

// ID is the host's id for the stream.
func (s *Stream) ID() uint32 { return s.id }

// OnRequestHeaders decides, or parks the request until it can be decided.
func (s *Stream) OnRequestHeaders() Action {
	if s.phase != fresh {
		return s.hold()
	}
	s.phase = deciding
	s.began = s.engine.host.NowNanos()
	s.exchange.Now = s.began
	if reason, ok := s.begin(); !ok {
		return s.refuse(denial.Denial{Reason: reason})
	}
	pipeline.InjectFault(&s.exchange, "headers", nil)
	return s.advance(s.exchange.Now)
}

// OnRequestBody holds back what follows the headers while the verdict is open.
// Under one host option the body would otherwise carry the undecided request to
// the backend.
func (s *Stream) OnRequestBody() Action { return s.hold() }

func (s *Stream) hold() Action {
	switch s.phase {
	case admitted:
		return Pass
	case fresh: // a body without headers: nothing was decided, nothing may pass
		s.phase = deciding
		s.exchange.Now = s.engine.host.NowNanos()
		return s.refuse(denial.Denial{})
	}
	return Pause
}

// advance continues the sequence from where it is and acts on the verdict.
func (s *Stream) advance(now int64) Action {
	switch s.run.Advance(&s.exchange, now, s.resume) {
	case pipeline.Parked:
		s.keep()
		return s.park()
	case pipeline.Admitted:
		return s.admit()
	case pipeline.Answered:
		return s.answer(s.run.Reply())
	}
	return s.refuse(s.run.Denial())
}

// keep leaves the request's headers to the stream for as long as it waits,
// which is longer than the callback.
func (s *Stream) keep() {
	if !s.kept {
		s.engine.host.KeepRequest()
		s.kept = true
	}
}

// admit applies the edits, all before the request may move. If the host does
// not take one, the request is refused: the key or a forged header would go
// through. What was edited before goes nowhere.
func (s *Stream) admit() Action {
	s.engine.identity.Apply(&s.exchange)
	if !s.exchange.Edit(s.engine.editor) {
		return s.refuse(denial.Denial{})
	}
	s.engine.note(&s.exchange, true, 0)
	s.engine.counters.added.Observe(max(s.engine.host.NowNanos()-s.began, 0) / int64(time.Microsecond))
	s.describe(true)
	s.tellAllowances()
	s.phase = admitted // last: a panic before this still refuses
	return Pass
}

// refuse answers the client, once.
func (s *Stream) refuse(d denial.Denial) Action {
	if s.phase == refused || s.phase == admitted {
		return s.hold()
	}
	s.phase, s.reason = refused, d.Reason
	d.DPoP = s.exchange.DPoP
	if s.hasShape() {
		d = s.shaped(d)
	}
	if r := s.engine.refusals.Render(d); s.engine.host.Reply(r, d.Reason.String()) {
		s.answered = s.statusOf(r)
	}
	s.engine.note(&s.exchange, false, d.Reason)
	s.engine.complain(d.Reason, s)
	s.describe(false)
	s.exchange.LeavePlaces()
	return Pause
}

// statusOf is the status that the client gets for a refusal, so that the host
// need not be asked at the end of a request; 0 when the headers that identify
// gRPC clients have been released.
func (s *Stream) statusOf(r *denial.Response) int {
	switch {
	case s.exchange.Headers == nil:
		return 0
	case pipeline.IsGRPC(s.exchange.Headers):
		return grpcStatus
	}
	return r.Status
}

// grpcStatus is the HTTP status of every answer to a gRPC client, which reads
// gRPC's own.
const grpcStatus = 200

// shaped is a refusal in the shape that the operator wants it to have. It is a
// function of its own so that other refusals cost no allocation.
//
//go:noinline
func (s *Stream) shaped(d denial.Denial) denial.Denial {
	if s.run.Begun() {
		s.run.Shape(&s.exchange, &d)
	} else if c := s.engine.config; c != nil && c.Faults != nil {
		c.Faults.Shape(&s.exchange, &d)
	}
	return d
}

// hasShape reports whether the operator wants some refusals to have another shape.
func (s *Stream) hasShape() bool {
	if s.run.Begun() {
		return s.run.HasShape()
	}
	return s.engine.config != nil && s.engine.config.Faults != nil
}

// answer sends the sequence's answer in the backend's place, once.
func (s *Stream) answer(r *denial.Response) Action {
	s.phase, s.replied = refused, true
	if s.engine.host.Reply(r, answerDetails) {
		s.answered = s.statusOf(r)
	}
	s.engine.noteAnswer(&s.exchange)
	s.describe(false)
	return Pause
}

// answerDetails is what the host's access log says about an answer.
const answerDetails = "cors.preflight"

// Fail refuses an undecided stream after a fault of our own: a panic that was
// recovered in one of its callbacks.
func (s *Stream) Fail() {
	s.failed = true
	if s.phase == admitted || s.phase == refused || s.phase == gone {
		return
	}
	s.fail()
}

// fail refuses a stream that may wait. It leaves its line last, whatever
// happens: the shape of the refusal depends on the headers.
func (s *Stream) fail() Action {
	defer s.leave()
	s.run.Fail(denial.Denial{})
	return s.refuse(denial.Denial{})
}

// Close forgets the stream; whatever it still waits for will not touch it, and
// the caller must not. It may serve another request from then on.
func (s *Stream) Close() {
	if s.phase == deciding {
		s.engine.metrics.Count(metricAbandoned)
	}
	if s.phase != admitted && s.phase != refused {
		s.phase = gone
	}
	if !s.run.Decided() {
		s.run.Fail(denial.Denial{})
	}
	s.leave()
	s.exchange.LeavePlaces()
	s.engine.pool.give(s)
}

// Panicked counts a panic in one of the stream's callbacks; see Engine.Panicked.
func (s *Stream) Panicked(where string) { s.engine.Panicked(where) }
