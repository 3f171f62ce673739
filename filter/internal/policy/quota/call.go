package quota

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/breaker"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

const (
	rateLimitService = "envoy.service.ratelimit.v3.RateLimitService"
	shouldRateLimit  = "ShouldRateLimit"
)

// call asks the service about a desk's party. With ok, land is called once,
// later: with nil when the call failed. Otherwise it is never called.
func (e *engine) call(d *desk, hits, now int64, land func(now int64, r *reply)) (ok bool) {
	permit, _, ok := e.guard.Admit(now, 0)
	if !ok {
		return false
	}
	o, w := &e.step.options.Engine, d.terms.window(now/nanosPerSecond)
	pairs := d.pairs
	if named(d.terms.interval) {
		pairs = appendPair(pairs[:len(pairs):len(pairs)], "since", date(w.start))
	}
	q := inquiry{domain: o.Domain, pairs: pairs, limit: d.terms.limitAt(now / nanosPerSecond), unit: unitOf(d.terms.interval), hits: hits}
	ok = e.step.ports.CallGRPC(host.GRPCCall{
		Cluster: o.Cluster, Service: rateLimitService, Method: shouldRateLimit,
		Message: q.encode(), Timeout: o.Timeout, MaxAnswer: MaxReplyBytes,
	}, func(at int64, a host.GRPCAnswer) { e.landed(permit, at, &a, w.end, land) })
	if !ok {
		e.done(permit, now, breaker.Down, "failed")
	}
	return ok
}

// landed reads an answer about a window that ends at end. Whatever happens on
// the way, land is called.
func (e *engine) landed(permit breaker.Permit, now int64, a *host.GRPCAnswer, end int64, land func(int64, *reply)) {
	var r *reply
	defer func() { land(now, r) }()
	got, ok := reply{}, a.OK
	if ok {
		got, ok = decodeReply(a.Message)
	}
	if ok && got.code == codeOK && got.unlimited {
		e.countsNothing()
		ok = false
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

// countsNothing tells the operator, once, of an engine that works and has no limit
// for what it is asked about, though the limit came with the call.
func (e *engine) countsNothing() {
	if o := &e.step.options.Engine; !e.told {
		e.told = true
		e.step.ports.Warn("the quota engine at cluster " + o.Cluster + " counts nothing in the domain \"" + o.Domain + "\": it has to be in the engine's configuration")
	}
}

// done gives a permit back. An engine that fails fails for every party.
func (e *engine) done(permit breaker.Permit, now int64, ending breaker.Ending, word string) {
	e.guard.Done(permit, now, ending, &host.Answer{})
	e.step.ports.Metrics.Count(metricCalls + word + "|")
}
