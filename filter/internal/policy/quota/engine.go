package quota

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/breaker"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// callLease is how long after its timeout a call that nobody ended stops
// taking a place.
const callLease = time.Second

// Bounds of what waits in one VM.
const (
	maxWaiting = 1024 // requests of one party
	maxDebts   = 4096 // parties with hits that are not reported
)

// metricCalls counts the calls: an outcome is ok, over_limit or failed.
const metricCalls = "sallyport_quota_calls.sp_outcome="

// role is what the engine is to its breaker.
var role = breaker.Role{
	Name: "quota engine", Metric: "sallyport_quota_engine_",
	Held: denial.QuotaUnavailable, Open: denial.QuotaUnavailable, Overloaded: denial.QuotaUnavailable,
}

// engine asks the service, for one step in one VM.
type engine struct {
	step  *step
	guard *breaker.Guard
	byWho map[uint64]*desk
	desks []*desk // the same
	told  bool    // of an engine that counts nothing
}

// desk is what one VM has to do with the engine for one party. It goes away
// when there is nothing left to do.
type desk struct {
	who   party
	index int // in engine.desks
	terms terms
	pairs []byte // of the descriptor

	// Requests that wait for a call of their own: one is in flight, and those
	// that came meanwhile share the next ones.
	waiting queue
	flying  bool
	left    int64 // hits, when the engine last answered; 0 when it did not

	// Hits that were admitted and may not be reported yet.
	due       int64 // unix nanoseconds, when to see to it; 0 when there are none
	reporting bool
	late      queue // requests that wait until a report has been counted

	// pocket are hits of the window that ends at pocketEnd, in unix seconds, which
	// this VM may spend by itself: they have been counted as admitted.
	pocket, pocketEnd int64
}

func newEngine(s *step) *engine {
	o := &s.options.Engine
	return &engine{
		step: s, byWho: map[uint64]*desk{},
		guard: breaker.New(breaker.Options{
			Role: role, Cluster: o.Cluster, Authority: o.Domain,
			MaxInFlight: o.MaxInFlight, Lease: o.Timeout + callLease, Breaker: o.Breaker, AtOnce: true,
		}, s.ports),
	}
}

// desk is the party's, or a new one.
func (e *engine) desk(x *pipeline.Exchange, t *terms, who party) *desk {
	d := e.byWho[who.hash]
	if d == nil {
		d = &desk{who: who, index: len(e.desks), terms: *t, pairs: e.step.pairs(x, t)}
		e.byWho[who.hash] = d
		e.desks = append(e.desks, d)
	}
	return d
}

// leave removes a desk at which there is nothing left to do.
func (e *engine) leave(d *desk) {
	if d.flying || d.reporting || d.due > 0 || len(d.waiting) > 0 || len(d.late) > 0 || e.byWho[d.who.hash] != d {
		return
	}
	delete(e.byWho, d.who.hash)
	last := e.desks[len(e.desks)-1]
	e.desks[d.index], last.index = last, d.index
	e.desks[len(e.desks)-1] = nil
	e.desks = e.desks[:len(e.desks)-1]
}

// exact asks for each request, unless the answer is known to be no.
func (e *engine) exact(x *pipeline.Exchange, t terms, who party) pipeline.Outcome {
	var end int64
	fits, look := false, false
	err := e.step.update(who, &t, x.Now, func(a *account, kept bool) (write bool) {
		look = false
		if end, fits = a.end, a.fits(t.limitAt(x.Now/nanosPerSecond), e.step.options.Weight); !fits && kept {
			look, write = a.look(x.Now)
		}
		return write
	})
	if err != nil {
		return unavailable()
	}
	if !fits {
		return e.exceeded(x, &t, who, end, look)
	}
	return e.wait(x, &t, who)
}

// reconciled asks only when the share is spent.
func (e *engine) reconciled(x *pipeline.Exchange, t terms, who party) pipeline.Outcome {
	o := &e.step.options
	var got answer
	var after account
	var hits int64
	look, place := false, false
	if d := e.byWho[who.hash]; d != nil && d.pocket >= o.Weight && x.Now/nanosPerSecond < d.pocketEnd {
		d.pocket -= o.Weight
		return pipeline.Continue()
	}
	var pocket int64
	err := e.step.update(who, &t, x.Now, func(a *account, kept bool) (write bool) {
		got, hits, look, place, pocket = ask, 0, false, kept, 0
		if kept {
			if got = a.spendShare(t.limitAt(x.Now/nanosPerSecond), o.Weight, o.Engine.Batch); got == exceeded {
				look, write = a.look(x.Now)
			} else if got == admitted && !e.step.options.Report {
				pocket = a.fillPocket(t.limitAt(x.Now/nanosPerSecond), o.Engine.Batch)
			}
			hits = a.takeReport(o.Engine.Batch, len(e.desks) >= maxDebts, x.Now, e.until(x.Now))
		}
		after = *a
		return got == admitted || write || hits > 0
	})
	if err != nil {
		return unavailable()
	}
	if got == admitted || hits > 0 {
		e.owes(x, &t, who, hits)
	}
	switch got {
	case admitted:
		if d := e.byWho[who.hash]; pocket > 0 && d != nil {
			d.pocket, d.pocketEnd = pocket, after.end
		}
		return e.step.admit(x, &t, after.spent(), after.end, o.Weight+pocket)
	case ask:
		if !place {
			return e.wait(x, &t, who)
		}
		d := e.desk(x, &t, who) // for the end of its report, or of another VM's, which the next tick sees
		return e.await(x, &t, d, &d.late)
	}
	return e.exceeded(x, &t, who, after.end, look)
}

// exceeded refuses, and has the account looked at when it is time.
func (e *engine) exceeded(x *pipeline.Exchange, t *terms, who party, end int64, look bool) pipeline.Outcome {
	if look {
		d := e.desk(x, t, who)
		e.look(d, x.Now)
		e.leave(d)
	}
	return t.violated(end, x.Now)
}

// withoutEngine is for a request that could not be asked about.
func (e *engine) withoutEngine(x *pipeline.Exchange, t *terms, who party) pipeline.Outcome {
	most := e.step.options.Engine.OnFailure.Hits
	if most == 0 {
		return unavailable()
	}
	fits, owed := false, false
	var end int64
	weight := e.step.options.Weight
	err := e.step.update(who, t, x.Now, func(a *account, kept bool) bool {
		end, fits = a.end, a.fits(t.limitAt(x.Now/nanosPerSecond), weight)
		owed = fits && kept && a.owe(weight, most)
		return owed
	})
	switch {
	case err == nil && !fits:
		return t.violated(end, x.Now)
	case !owed:
		return unavailable()
	}
	e.owes(x, t, who, 0)
	return pipeline.Continue()
}

// owes has the party's hits reported: so many of them now, others when they are
// due.
func (e *engine) owes(x *pipeline.Exchange, t *terms, who party, hits int64) {
	d := e.desk(x, t, who)
	if d.due == 0 {
		d.due = e.sync(x.Now)
	}
	if hits > 0 {
		e.report(d, hits, x.Now)
	}
}

func (e *engine) sync(now int64) int64 { return now + int64(e.step.options.Engine.SyncInterval) }
