package quota

import (
	"slices"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// ticket is one request that waits. The zero verdict is that of an engine that
// could not be asked.
type ticket struct {
	flight  pipeline.Flight
	verdict verdict
	spent   int64 // of the limit, as far as that is known
}

type verdict uint8

const (
	unasked verdict = iota
	yes
	no
	again // the share has changed
)

// queue is requests that wait, in the order in which they came.
type queue []*ticket

// release gives each of them the verdict; spent is what was spent with the last
// of them, and weight what each of them spent.
func (q queue) release(v verdict, spent, weight int64) {
	for i, t := range q {
		t.verdict, t.spent = v, spent-weight*int64(len(q)-1-i)
		t.flight.Land()
	}
}

// present leaves out those whose clients have gone.
func (q queue) present() queue {
	return slices.DeleteFunc(q, func(t *ticket) bool { return t.flight.Abandoned() })
}

// wait has the engine asked about the request.
func (e *engine) wait(x *pipeline.Exchange, t *terms, who party) pipeline.Outcome {
	d := e.desk(x, t, who)
	return e.await(x, t, d, &d.waiting)
}

// await puts the request into a queue of its party's desk.
func (e *engine) await(x *pipeline.Exchange, t *terms, d *desk, q *queue) pipeline.Outcome {
	if len(*q) >= maxWaiting {
		*q = q.present()
	}
	if len(*q) >= maxWaiting {
		return e.withoutEngine(x, t, d.who)
	}
	mine := &ticket{}
	*q = append(*q, mine)
	if q == &d.waiting && !d.flying {
		e.send(d, x.Now)
	}
	if mine.flight.Landed() { // the call was refused at once
		return e.conclude(x, d, mine)
	}
	return pipeline.AwaitOr(denial.QuotaUnavailable, &mine.flight, func(x *pipeline.Exchange) pipeline.Outcome { return e.conclude(x, d, mine) })
}

// conclude is what a ticket means for its request.
func (e *engine) conclude(x *pipeline.Exchange, d *desk, mine *ticket) pipeline.Outcome {
	t := d.terms
	switch mine.verdict {
	case yes:
		return e.step.admit(x, &t, mine.spent, t.window(x.Now/nanosPerSecond).end, e.step.options.Weight)
	case again:
		return e.reconciled(x, t, d.who)
	case no:
		return t.violated(t.window(x.Now/nanosPerSecond).end, x.Now)
	}
	return e.withoutEngine(x, &t, d.who)
}

// send makes the next call for those that wait at a desk, if any do.
func (e *engine) send(d *desk, now int64) {
	if d.waiting = d.waiting.present(); len(d.waiting) == 0 {
		e.leave(d)
		return
	}
	weight := e.step.options.Weight
	n := min(int(max(1, batchOf(d.left)/weight)), len(d.waiting))
	aboard := slices.Clone(d.waiting[:n])
	d.waiting = slices.Delete(d.waiting, 0, n)
	d.flying = true
	if !e.call(d, int64(n)*weight, now, func(at int64, r *reply) { e.land(d, aboard, at, r) }) {
		e.land(d, aboard, now, nil)
	}
}

// land releases those aboard, and has the others' call made. When the engine
// failed or has nothing left, nobody else asks.
func (e *engine) land(d *desk, aboard queue, now int64, r *reply) {
	d.flying = false
	got, last := unasked, r == nil
	spent := int64(0)
	if r != nil {
		got = no
		if r.code == codeOK {
			got = yes
		}
		d.left = r.remaining
		seconds := now / nanosPerSecond
		spent = d.terms.limitAt(seconds) - r.remaining
		last = d.terms.present(r, seconds) && (got == no || r.hasStatus && r.remaining == 0)
	}
	var others queue
	if last {
		others, d.waiting = d.waiting, nil
	}
	defer func() { // whatever happens, nobody waits for ever
		aboard.release(got, spent, e.step.options.Weight)
		if r != nil {
			got = no
		}
		others.release(got, spent, 0)
	}()
	if r != nil && (last || e.step.options.Mode == Reconciled) && !e.learned(d, now, r) && got == yes {
		got = no
	}
	e.send(d, now)
}

// learned keeps what the engine said, and reports whether the limit allows what
// the engine had counted by then together with what it has not been told yet.
func (e *engine) learned(d *desk, now int64, r *reply) (fits bool) {
	err := e.step.update(d.who, &d.terms, now, func(a *account, kept bool) bool {
		before := a.known
		a.learn(&d.terms, r, now)
		fits = a.spent() <= d.terms.limitAt(now/nanosPerSecond)
		return kept && a.known != before
	})
	return fits && err == nil
}
