package quota

import (
	"slices"

	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// lane is the requests of one party that wait for the engine in one VM: one call
// is in the air, and those that came meanwhile share the next ones.
type lane struct {
	terms   terms
	entries []entry
	waiting queue
	flying  bool
	left    int64 // hits, when the engine was last heard of; 0 when it was not
}

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

// wait puts the request into its party's lane.
func (e *engine) wait(x *pipeline.Exchange, t terms, who party) pipeline.Outcome {
	l := e.lanes[who]
	if l == nil {
		l = &lane{terms: t, entries: e.step.entries(x, &t)}
		e.lanes[who] = l
	}
	if len(l.waiting) >= maxWaiting {
		return e.withoutEngine(x, &t, who)
	}
	mine := &ticket{}
	l.waiting = append(l.waiting, mine)
	if !l.flying {
		e.send(l, who, x.Now)
	}
	if mine.flight.Landed() { // the call was refused at once
		return e.conclude(x, &t, who, mine)
	}
	return pipeline.Await(&mine.flight, func(x *pipeline.Exchange) pipeline.Outcome {
		return e.conclude(x, &t, who, mine)
	})
}

// waitForReport is for a request for which there is nothing left of the share: it
// tries again when the report is known to be counted.
func (e *engine) waitForReport(x *pipeline.Exchange, t terms, who party, waiting *queue) pipeline.Outcome {
	if len(*waiting) >= maxWaiting {
		return e.withoutEngine(x, &t, who)
	}
	mine := &ticket{}
	*waiting = append(*waiting, mine)
	return pipeline.Await(&mine.flight, func(x *pipeline.Exchange) pipeline.Outcome {
		return e.conclude(x, &t, who, mine)
	})
}

// reportEnded tells those who waited for a report.
func (e *engine) reportEnded(who party, waiting *queue, r *reply) {
	if e.reports[who] == waiting {
		delete(e.reports, who)
	}
	verdict := unasked
	if r != nil {
		verdict = again
	}
	release(*waiting, verdict, 0, 0)
}

// conclude is what a ticket means for its request.
func (e *engine) conclude(x *pipeline.Exchange, t *terms, who party, mine *ticket) pipeline.Outcome {
	switch mine.verdict {
	case yes:
		e.step.near.note(e.step, x, t, mine.spent)
		return pipeline.Continue()
	case again:
		return e.reconciled(x, *t, who)
	case no:
		return violated(t.window(x.Now/nanosPerSecond).end, x.Now)
	}
	return e.withoutEngine(x, t, who)
}

// send makes the lane's next call, or ends the lane.
func (e *engine) send(l *lane, who party, now int64) {
	if len(l.waiting) == 0 {
		delete(e.lanes, who)
		return
	}
	weight := e.step.options.Weight
	n := min(int(max(1, batchOf(l.left)/weight)), len(l.waiting))
	aboard := slices.Clone(l.waiting[:n])
	l.waiting = slices.Delete(l.waiting, 0, n)
	l.flying = true
	ok := e.call(&l.terms, l.entries, int64(n)*weight, now, func(at int64, r *reply) { e.land(l, who, aboard, at, r) })
	if !ok {
		e.land(l, who, aboard, now, nil)
	}
}

// land tells those aboard, and has the others' call made. When the engine failed
// or has nothing left, nobody else asks.
func (e *engine) land(l *lane, who party, aboard queue, now int64, r *reply) {
	l.flying = false
	got, last := unasked, r == nil
	spent := int64(0)
	if r != nil {
		got = no
		if r.code == codeOK {
			got = yes
		}
		l.left = r.remaining
		spent = l.terms.limitAt(now/nanosPerSecond) - r.remaining
		last = l.terms.present(r, now/nanosPerSecond) && (got == no || r.hasStatus && r.remaining == 0)
	}
	others := queue(nil)
	if last {
		others, l.waiting = l.waiting, nil
	}
	defer func() { // whatever happens, nobody waits for ever
		release(aboard, got, spent, e.step.options.Weight)
		if r != nil {
			got = no
		}
		release(others, got, spent, 0)
	}()
	if r != nil && (last || e.step.options.Mode == Reconciled) && !e.learned(l, who, now, r) && got == yes {
		got = no
	}
	e.send(l, who, now)
}

// learned keeps what the engine said, and reports whether the limit allows what
// the engine had counted by then together with what it has not been told yet.
func (e *engine) learned(l *lane, who party, now int64, r *reply) (fits bool) {
	err := e.step.update(who, &l.terms, now, func(a *account, kept bool) bool {
		before := a.known
		a.learn(&l.terms, r, now)
		fits = a.spent() <= l.terms.limitAt(now/nanosPerSecond)
		return kept && a.known != before
	})
	return fits && err == nil
}

// release tells the tickets; spent is what was spent with the last of them, and
// weight what each of them did.
func release(tickets queue, v verdict, spent, weight int64) {
	for i, t := range tickets {
		t.verdict, t.spent = v, spent-weight*int64(len(tickets)-1-i)
		t.flight.Land()
	}
}
