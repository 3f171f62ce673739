package pipeline

import "github.com/sallyport-gateway/sallyport/filter/internal/denial"

type kind uint8

const (
	deny kind = iota // the zero Outcome denies, with denial.Internal
	proceed
	await
	answer
)

// Outcome is what a step returns: continue, deny, await or reply. It is a
// closed sum, and its zero value denies.
type Outcome struct {
	kind   kind
	skip   bool           // of one that continues: the step was not meant for the request
	reason denial.Reason  // of a refusal that says no more, or of a wait that takes too long
	denial *denial.Denial // of one that does
	reply  *denial.Response
	flight *Flight
	resume func(*Exchange) Outcome
}

// Continue lets the next step run.
func Continue() Outcome { return Outcome{kind: proceed} }

// Skip lets the next step run, because this one is not meant for the request.
func Skip() Outcome { return Outcome{kind: proceed, skip: true} }

// Deny refuses the request.
//
//go:noinline
func Deny(d denial.Denial) Outcome { return Outcome{denial: &d} }

// DenyWith refuses the request with a denial that was made before: nothing is
// allocated for a refusal that comes again and again. d must never change.
func DenyWith(d *denial.Denial) Outcome { return Outcome{denial: d} }

// DenyFor refuses the request for a reason that needs no details.
func DenyFor(r denial.Reason) Outcome { return Outcome{reason: r} }

// Reply answers the client in the backend's place, with something other than a
// refusal. The response must not be changed afterwards, except for Wire. A nil
// one denies.
func Reply(r *denial.Response) Outcome {
	if r == nil {
		return Outcome{}
	}
	return Outcome{kind: answer, reply: r}
}

// Await parks the exchange until f has landed; resume then gives the step's
// outcome. A nil flight or resume denies. A wait that takes too long is refused
// with denial.IntrospectionDeadline.
func Await(f *Flight, resume func(*Exchange) Outcome) Outcome {
	return AwaitOr(denial.IntrospectionDeadline, f, resume)
}

// AwaitOr is Await with the reason of a wait that takes too long.
func AwaitOr(late denial.Reason, f *Flight, resume func(*Exchange) Outcome) Outcome {
	if f == nil || resume == nil {
		return Outcome{}
	}
	return Outcome{kind: await, reason: late, flight: f, resume: resume}
}

// Denial gives the refusal; ok reports whether the outcome is one.
func (o Outcome) Denial() (d denial.Denial, ok bool) {
	if o.denial != nil {
		return *o.denial, true
	}
	return denial.Denial{Reason: o.reason}, o.kind == deny
}

// Continues reports whether the outcome lets the next step run.
func (o Outcome) Continues() bool { return o.kind == proceed }

// Skipped reports whether the step was not meant for the request.
func (o Outcome) Skipped() bool { return o.skip }

// Replies reports whether the outcome answers in the backend's place.
func (o Outcome) Replies() bool { return o.kind == answer }

// Flight gives what an awaiting outcome waits for, nil for the others.
func (o Outcome) Flight() *Flight { return o.flight }

// Resume gives the outcome after an awaiting one, once its flight has landed;
// other outcomes give themselves.
func (o Outcome) Resume(x *Exchange) Outcome {
	if o.kind != await {
		return o
	}
	return o.resume(x)
}

// mapped applies f to the outcome that ends the step, now or after its flight.
//
//go:noinline
func (o Outcome) mapped(f func(*Exchange, Outcome) Outcome, x *Exchange) Outcome {
	if o.kind != await {
		return f(x, o)
	}
	resume := o.resume
	return AwaitOr(o.reason, o.flight, func(x *Exchange) Outcome { return resume(x).mapped(f, x) })
}
