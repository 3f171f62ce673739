package quota

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/breaker"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

const (
	rateLimitService = "envoy.service.ratelimit.v3.RateLimitService"
	shouldRateLimit  = "ShouldRateLimit"
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
	lanes map[party]*lane
	debts map[party]*debt
	// reports are those of this VM that are in the air, with the requests that
	// wait for their end.
	reports map[party]*queue
}

// debt is a party of whom this VM has hits that were not reported.
type debt struct {
	terms   terms
	entries []entry
	due     int64 // unix nanoseconds
}

func newEngine(s *step) *engine {
	o := &s.options.Engine
	return &engine{
		step: s, lanes: map[party]*lane{}, debts: map[party]*debt{}, reports: map[party]*queue{},
		guard: breaker.New(breaker.Options{
			Role: role, Cluster: o.Cluster, Authority: o.Domain,
			MaxInFlight: o.MaxInFlight, Lease: o.Timeout + callLease, Breaker: o.Breaker,
		}, s.ports),
	}
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
	return e.wait(x, t, who)
}

// reconciled asks only when the share is spent.
func (e *engine) reconciled(x *pipeline.Exchange, t terms, who party) pipeline.Outcome {
	o := &e.step.options
	var got answer
	var after account
	var hits int64
	look := false
	err := e.step.update(who, &t, x.Now, func(a *account, kept bool) (write bool) {
		got, hits, look = ask, 0, false
		if kept {
			if got = a.spendShare(t.limitAt(x.Now/nanosPerSecond), o.Weight, o.Engine.Batch); got == exceeded {
				look, write = a.look(x.Now)
			}
			hits = a.takeReport(o.Engine.Batch, len(e.debts) >= maxDebts, x.Now, e.until(x.Now))
		}
		after = *a
		return got == admitted || write || hits > 0
	})
	if err != nil {
		return unavailable()
	}
	if got == admitted || hits > 0 {
		d := e.debtOf(x, &t, who)
		if hits > 0 {
			e.report(who, d, hits, x.Now)
		}
	}
	switch got {
	case admitted:
		e.step.near.note(e.step, x, &t, after.spent())
		return pipeline.Continue()
	case ask:
		if waiting, ok := e.reports[who]; ok {
			return e.waitForReport(x, t, who, waiting)
		}
		return e.wait(x, t, who)
	}
	return e.exceeded(x, &t, who, after.end, look)
}

// exceeded refuses, and has the account looked at when it is time.
func (e *engine) exceeded(x *pipeline.Exchange, t *terms, who party, end int64, look bool) pipeline.Outcome {
	if look {
		e.look(who, t, e.step.entries(x, t), x.Now)
	}
	return violated(end, x.Now)
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
	case err != nil:
		return unavailable()
	case !fits:
		return violated(end, x.Now)
	case !owed:
		return unavailable()
	}
	e.debtOf(x, t, who)
	return pipeline.Continue()
}

// debtOf has the party's hits reported when they are due, if there is room to
// remember it.
func (e *engine) debtOf(x *pipeline.Exchange, t *terms, who party) *debt {
	if d := e.debts[who]; d != nil {
		return d
	}
	d := &debt{terms: *t, entries: e.step.entries(x, t), due: x.Now + int64(e.step.options.Engine.SyncInterval)}
	if len(e.debts) < maxDebts {
		e.debts[who] = d
	}
	return d
}

// Busy implements pipeline.Background.
func (e *engine) Busy() bool { return len(e.debts) > 0 }

// Hear implements pipeline.Background: nobody tells it anything.
func (e *engine) Hear([]byte, int64) {}

// Tick implements pipeline.Background: it reports what is due. What another VM is
// reporting, or has reported, is no debt of this one.
func (e *engine) Tick(now int64) {
	for who, d := range e.debts {
		if d.due > now {
			continue
		}
		hits, left := int64(0), false
		err := e.step.update(who, &d.terms, now, func(a *account, kept bool) bool {
			hits = a.takeReport(e.step.options.Engine.Batch, true, now, e.until(now))
			left = a.unsent+a.flying > 0
			return hits > 0
		})
		d.due = now + int64(e.step.options.Engine.SyncInterval)
		switch {
		case err != nil:
		case hits > 0:
			e.report(who, d, hits, now)
		case !left:
			delete(e.debts, who)
		}
	}
}

// until is when a report that begins at now is given up.
func (e *engine) until(now int64) int64 { return now + int64(e.step.options.Engine.Timeout+callLease) }

// report sends hits that were admitted. When it fails they are sent again later.
func (e *engine) report(who party, d *debt, hits, now int64) {
	waiting := &queue{}
	if e.reports[who] == nil { // else the one before was given up
		e.reports[who] = waiting
	}
	ok := e.call(&d.terms, d.entries, hits, now, func(at int64, r *reply) {
		e.settle(who, d, hits, at, r)
		e.reportEnded(who, waiting, r)
	})
	if !ok {
		e.settle(who, d, hits, now, nil)
		e.reportEnded(who, waiting, nil)
	}
}

// settle notes how a report ended; r is nil when it failed.
func (e *engine) settle(who party, d *debt, hits, now int64, r *reply) {
	_ = e.step.update(who, &d.terms, now, func(a *account, kept bool) bool { // the lease of the report ends by itself
		if r == nil {
			a.failed(hits)
			return kept
		}
		a.reported(hits)
		a.learn(&d.terms, r, now)
		return kept
	})
}

// look asks what the engine has counted.
func (e *engine) look(who party, t *terms, entries []entry, now int64) {
	own := *t
	e.call(&own, entries, 0, now, func(at int64, r *reply) {
		if r == nil || r.code != codeOK || !r.hasStatus || !own.present(r, at/nanosPerSecond) {
			return
		}
		_ = e.step.update(who, &own, at, func(a *account, kept bool) bool {
			a.looked(own.limitAt(at/nanosPerSecond) - r.remaining)
			return kept
		})
	})
}

// learn notes what an answer says of the present window.
func (a *account) learn(t *terms, r *reply, now int64) {
	seconds := now / nanosPerSecond
	if !t.present(r, seconds) {
		return
	}
	switch limit := t.limitAt(seconds); {
	case r.code == codeOverLimit:
		a.counted(limit)
	case r.hasStatus:
		a.counted(limit - r.remaining)
	}
	a.recheck = now + lookAgain
}

// call asks the service. With ok, land is called once, later: with nil when the
// call failed. Otherwise it is never called.
func (e *engine) call(t *terms, entries []entry, hits, now int64, land func(now int64, r *reply)) (ok bool) {
	permit, _, ok := e.guard.Admit(now, 0)
	if !ok {
		return false
	}
	o := &e.step.options.Engine
	w := t.window(now / nanosPerSecond)
	if named(t.interval) {
		entries = append(entries[:len(entries):len(entries)], entry{"since", date(w.start)})
	}
	q := inquiry{domain: o.Domain, entries: entries, limit: t.limitAt(now / nanosPerSecond), unit: unitOf(t.interval), hits: hits}
	ok = e.step.ports.CallGRPC(host.GRPCCall{
		Cluster: o.Cluster, Service: rateLimitService, Method: shouldRateLimit,
		Message: q.encode(), Timeout: o.Timeout, MaxAnswer: MaxReplyBytes,
	}, func(at int64, a host.GRPCAnswer) { e.landed(permit, at, &a, w.end, land) })
	if !ok {
		e.done(permit, now, breaker.Down, "failed")
	}
	return ok
}

// landed reads an answer about a window that ends at end. Whatever happens on the way, who asked is told.
func (e *engine) landed(permit breaker.Permit, now int64, a *host.GRPCAnswer, end int64, land func(int64, *reply)) {
	var r *reply
	defer func() { land(now, r) }()
	got, ok := reply{}, a.OK
	if ok {
		got, ok = decodeReply(a.Message)
	}
	if !ok {
		e.done(permit, now, breaker.Down, "failed")
		return
	}
	word := "ok"
	if got.code == codeOverLimit {
		word = "over_limit"
	}
	e.done(permit, now, breaker.Answered, word)
	got.stale = now >= end*nanosPerSecond
	r = &got
}

// done gives a permit back. An engine that fails fails for every party.
func (e *engine) done(permit breaker.Permit, now int64, ending breaker.Ending, word string) {
	e.guard.Done(permit, now, ending, &pipeline.Answer{})
	e.step.ports.Metrics.Count(metricCalls + word + "|")
}
