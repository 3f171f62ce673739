package introspection

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/fault"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection/outage"
)

// callLease is how long after its timeout a call that nobody ended stops
// taking a place.
const callLease = time.Second

// The metrics of calls. An outcome is a reason's word, or active or inactive.
const (
	metricCalls   = "sallyport_introspection_calls.sp_outcome="
	metricRetries = "sallyport_introspection_retries"
	metricLatency = "sallyport_introspection_latency" // milliseconds
)

// caller makes the calls of one step, as far as the guard lets it.
type caller struct {
	request  request
	retry    bool
	guard    *outage.Guard
	dispatch pipeline.Dispatcher
	metrics  pipeline.Metrics
}

func newCaller(o Options, p Ports) caller {
	return caller{
		request:  newRequest(o, p),
		retry:    o.Retry,
		dispatch: p.Dispatcher,
		metrics:  p.Metrics,
		guard: outage.New(outage.Options{
			Cluster: o.Cluster, Authority: o.Authority,
			MaxInFlight: o.MaxInFlight, Lease: o.Timeout + callLease, Breaker: o.Breaker,
		}, p),
	}
}

// ask sends the introspection of a token. With ok, land is called once, later,
// with what the answer amounts to; otherwise it never is, and d says why.
func (c *caller) ask(token string, now int64, land func(now int64, v verdict)) (d fault.Denial, ok bool) {
	permit, d, ok := c.guard.Admit(now)
	if !ok {
		return d, false
	}
	refused := pipeline.FailureUnknown
	if callout, ok := c.request.callout(token, now); ok {
		refused = c.dispatch(callout, func(at int64, a pipeline.Answer) {
			if c.again(token, permit, now, at, a, land) {
				return
			}
			c.end(permit, now, at, &a, land)
		})
	}
	if refused == pipeline.NoFailure {
		return fault.Denial{}, true
	}
	c.end(permit, now, now, &pipeline.Answer{Failure: refused}, func(_ int64, v verdict) { d = v.denial })
	return d, false
}

// again sends a call a second time if that may help, within the time that the
// first one had. A probe is not: it is there to see if the first one works.
func (c *caller) again(token string, permit outage.Permit, began, now int64, a pipeline.Answer, land func(int64, verdict)) bool {
	if !c.retry || permit.Probe() {
		return false
	}
	left, ok := outage.RetryWithin(a.Failure, time.Duration(now-began), c.request.timeout)
	if !ok {
		return false
	}
	callout, ok := c.request.callout(token, now)
	if !ok {
		return false
	}
	callout.Timeout = left
	refused := c.dispatch(callout, func(at int64, second pipeline.Answer) { c.end(permit, began, at, &second, land) })
	if refused != pipeline.NoFailure {
		return false
	}
	c.metrics.Count(metricRetries)
	return true
}

// end draws the conclusions from how a call ended. Whatever happens on the way,
// those who wait are told: after a panic the zero verdict, which denies.
func (c *caller) end(permit outage.Permit, began, now int64, a *pipeline.Answer, land func(int64, verdict)) {
	var v verdict
	defer func() { land(now, v) }()
	judged := judge(a, now)
	c.guard.Done(permit, now, judged.ending(), a)
	c.metrics.Count(metricCalls + judged.outcome() + "|")
	if now >= began {
		c.metrics.Observe(metricLatency, (now-began)/int64(time.Millisecond))
	}
	v = judged
}

// outcome is a verdict's word in the metrics.
func (v verdict) outcome() string {
	switch {
	case v.claims == nil:
		return v.denial.Reason.String()
	case v.claims.Active:
		return "active"
	}
	return "inactive"
}

// ending is what a verdict says of the server, rather than of the token.
func (v verdict) ending() outage.Ending {
	if v.claims != nil {
		return outage.Answered
	}
	return endingOf(v.denial.Reason)
}

// endingOf is the same for a call that ended in a refusal. Whoever refuses our
// request or our credentials is at work, and so is whoever says of one token
// what we do not take: who has such a token must not be able to open the
// breaker for all others.
func endingOf(r fault.Reason) outage.Ending {
	switch r {
	case fault.IntrospectionRejected, fault.IntrospectionCredentialsRefused, fault.IntrospectionForbidden,
		fault.IntrospectionTooLarge, fault.IntrospectionDuplicateMember, fault.IntrospectionClaimsInvalid:
		return outage.Answered
	case fault.IntrospectionRateLimited:
		return outage.Limited
	case fault.IntrospectionUnknownCluster, fault.Internal:
		return outage.Lost
	}
	return outage.Failed
}
