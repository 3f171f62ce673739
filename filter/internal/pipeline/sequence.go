package pipeline

import "github.com/sallyport-gateway/sallyport/filter/internal/denial"

// Step is one configured policy. Apply must not keep the exchange.
type Step interface {
	// Name is the step's word in the configuration.
	Name() string
	Apply(*Exchange) Outcome
}

// Shaper changes how a refusal reads, whichever step has refused.
type Shaper interface {
	Shape(*Exchange, *denial.Denial)
}

// Skipper is called for requests that its step is not meant for.
type Skipper interface {
	Skipped(*Exchange)
}

// Sequence is an ordered list of steps; each must continue before the next one
// runs. It is immutable and may serve any number of exchanges.
type Sequence struct {
	steps   []Step
	shapers []Shaper
}

// NewSequence keeps steps in their order.
func NewSequence(steps ...Step) *Sequence { return &Sequence{steps: steps} }

// Shaped is the same sequence with its refusals shaped, by each in turn.
func (s *Sequence) Shaped(by ...Shaper) *Sequence { return &Sequence{steps: s.steps, shapers: by} }

// Watched is the same sequence, for watching it at work: saw is called with the
// number of each step, counted from 0, and its outcome. A step that waits calls
// it twice: when it waits, and when it has ended.
func (s *Sequence) Watched(saw func(step int, o Outcome)) *Sequence {
	steps := make([]Step, len(s.steps))
	for i, step := range s.steps {
		steps[i] = watched{step, func(o Outcome) { saw(i, o) }}
	}
	return NewSequence(steps...).Shaped(s.shapers...)
}

// Names are the steps' words, in order.
func (s *Sequence) Names() []string {
	names := make([]string, len(s.steps))
	for i, step := range s.steps {
		names[i] = step.Name()
	}
	return names
}

type watched struct {
	Step
	saw func(Outcome)
}

func (w watched) Apply(x *Exchange) Outcome {
	o := w.Step.Apply(x)
	if o.kind == await {
		w.saw(o)
	}
	return o.mapped(func(_ *Exchange, o Outcome) Outcome {
		w.saw(o)
		return o
	}, x)
}

// Verdict is where an exchange stands. The zero value is Denied.
type Verdict uint8

const (
	Denied Verdict = iota
	Admitted
	Parked
	Answered
)

// Run is one exchange on its way through a sequence. It gives one verdict, and
// keeps it: whatever comes later changes nothing. The zero value, which has no
// sequence, denies. One that waits must not be copied.
type Run struct {
	sequence *Sequence
	next     int
	waiting  Outcome
	wake     func() // while it waits
	place    int    // in the flight, likewise
	begun    bool
	parked   bool
	done     bool
	verdict  Verdict
	refusal  Outcome // of a Denied run
	reply    *denial.Response
}

// Begin starts the sequence; nothing runs before Advance.
func (s *Sequence) Begin() *Run {
	r := &Run{}
	r.Begin(s)
	return r
}

// Begin starts the sequence in an existing run; what the run was before is
// gone.
func (r *Run) Begin(s *Sequence) { *r = Run{sequence: s, begun: true} }

// Advance runs steps until one refuses, one must wait, or all have continued.
// When a step must wait, wake is called once its flight has landed, and the
// caller advances again. A panic in a step is the caller's to recover: the run
// stays undecided and Fail decides it.
func (r *Run) Advance(x *Exchange, now int64, wake func()) Verdict {
	if r.done {
		return r.verdict
	}
	if !r.begun {
		return r.refuse(&Outcome{})
	}
	x.Now = now
	if r.parked {
		if !r.waiting.flight.Landed() {
			return Parked
		}
		waiting := r.waiting
		r.parked, r.waiting = false, Outcome{}
		InjectFault(x, "resume", r.sequence.steps[r.next-1])
		if o := waiting.Resume(x); o.kind != proceed {
			return r.take(&o, wake)
		}
	}
	for steps := r.sequence.steps; r.next < len(steps); {
		step := steps[r.next]
		r.next++
		InjectFault(x, "apply", step)
		if o := step.Apply(x); o.kind != proceed {
			return r.take(&o, wake)
		}
	}
	r.done, r.verdict = true, Admitted
	return Admitted
}

// take turns an outcome that does not continue into a verdict.
func (r *Run) take(o *Outcome, wake func()) Verdict {
	switch o.kind {
	case await:
	case answer:
		r.done, r.parked, r.waiting = true, false, Outcome{}
		r.verdict, r.reply = Answered, o.reply
		return Answered
	default:
		return r.refuse(o)
	}
	if o.flight.Landed() {
		return r.refuse(&Outcome{})
	}
	r.waiting, r.parked, r.wake = *o, true, wake
	o.flight.join(r)
	return Parked
}

// Late is the reason for a run that waits too long.
func (r *Run) Late() denial.Reason { return r.waiting.reason }

// Fail decides an undecided run as a refusal, for a deadline or a panic. It
// reports whether it did: a run that has its verdict keeps it.
//
//go:noinline
func (r *Run) Fail(d denial.Denial) bool {
	if r.done {
		return false
	}
	o := DenyFor(d.Reason)
	if d != (denial.Denial{Reason: d.Reason}) {
		o = Deny(d)
	}
	r.refuse(&o)
	return true
}

// Shape gives a refusal the shape that the sequence has for it. A run that did
// not begin has none.
func (r *Run) Shape(x *Exchange, d *denial.Denial) {
	if !r.begun {
		return
	}
	for _, s := range r.sequence.shapers {
		s.Shape(x, d)
	}
}

// HasShape reports whether the sequence has any.
func (r *Run) HasShape() bool { return r.begun && len(r.sequence.shapers) > 0 }

// Begun reports whether the run has a sequence.
func (r *Run) Begun() bool { return r.begun }

// Reply is the answer of an Answered run.
func (r *Run) Reply() *denial.Response { return r.reply }

// Denial is the refusal of a Denied run.
func (r *Run) Denial() denial.Denial {
	d, _ := r.refusal.Denial()
	return d
}

// Decided reports whether the run has its verdict.
func (r *Run) Decided() bool { return r.done }

// Step is the name of the step that ran last, "" before the first.
func (r *Run) Step() string {
	if r.next == 0 {
		return ""
	}
	return r.sequence.steps[r.next-1].Name()
}

//go:noinline
func (r *Run) refuse(o *Outcome) Verdict {
	if r.parked {
		r.waiting.flight.leave(r)
	}
	r.done, r.parked, r.waiting = true, false, Outcome{}
	r.verdict, r.refusal = Denied, *o
	return Denied
}
