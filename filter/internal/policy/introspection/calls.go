package introspection

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/breaker"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
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

// authorizationServer is what the guarded server is here.
var authorizationServer = breaker.Role{
	Name: "authorization server", Metric: "sallyport_introspection_",
	Held:       denial.IntrospectionRateLimited,
	Open:       denial.IntrospectionCircuitOpen,
	Overloaded: denial.IntrospectionOverloaded,
}

// caller makes the calls of one step, as far as the guard lets it.
type caller struct {
	request  request
	retry    bool
	guard    *breaker.Guard
	dispatch host.Dispatcher
	metrics  host.Metrics
}

func newCaller(o Options, p host.Ports) caller {
	return caller{
		request:  newRequest(o, p),
		retry:    o.Retry,
		dispatch: p.Dispatcher,
		metrics:  p.Metrics,
		guard: breaker.New(breaker.Options{
			Role: authorizationServer, Cluster: o.Cluster, Authority: o.Authority,
			MaxInFlight: o.MaxInFlight, Lease: o.Timeout + callLease, Breaker: o.Breaker,
		}, p),
	}
}

// attempt is one introspection of a token, with its second try if it has one:
// sent, answered, judged, and passed to land.
type attempt struct {
	*caller
	token  string
	permit breaker.Permit
	began  int64 // unix nanoseconds
	land   func(now int64, v verdict)
}

// ask sends the introspection of a token. With ok, land is called once, later,
// with what the answer amounts to; otherwise it never is, and d says why.
func (c *caller) ask(token string, now int64, land func(now int64, v verdict)) (d denial.Denial, ok bool) {
	permit, d, ok := c.guard.Admit(now, breaker.MarkOf(token))
	if !ok {
		return d, false
	}
	t := &attempt{caller: c, token: token, permit: permit, began: now, land: land}
	refused := host.FailureUnknown
	if callout, ok := c.request.callout(token, now); ok {
		refused = c.dispatch(callout, t.answered)
	}
	if refused == host.NoFailure {
		return denial.Denial{}, true
	}
	return t.concluded(now, &host.Answer{Failure: refused}).denial, false
}

// answered is how the first try ended.
func (t *attempt) answered(now int64, a host.Answer) {
	if !t.again(now, a.Failure) {
		t.end(now, a)
	}
}

// again sends a call a second time if that may help, within the time that the
// first one had. A probe is not sent again: it is there to see if the first one
// works.
func (t *attempt) again(now int64, f host.Failure) bool {
	if !t.retry || t.permit.Probe() {
		return false
	}
	left, ok := breaker.RetryWithin(f, time.Duration(now-t.began), t.request.timeout)
	if !ok {
		return false
	}
	callout, ok := t.request.callout(t.token, now)
	if !ok {
		return false
	}
	callout.Timeout = left
	if t.dispatch(callout, t.end) != host.NoFailure {
		return false
	}
	t.metrics.Count(metricRetries)
	return true
}

// end notifies those who wait, whatever happens on the way: after a panic the
// zero verdict, which denies.
func (t *attempt) end(now int64, a host.Answer) {
	var v verdict
	defer func() { t.land(now, v) }()
	v = t.concluded(now, &a)
}

// concluded draws the conclusions from how a call ended, for the guard, the
// metrics and those who wait.
func (t *attempt) concluded(now int64, a *host.Answer) verdict {
	v := judge(a, now)
	t.guard.Done(t.permit, now, v.ending(a), a)
	t.metrics.Count(metricCalls + v.outcome() + "|")
	if now >= t.began {
		t.metrics.Observe(metricLatency, (now-t.began)/int64(time.Millisecond))
	}
	return v
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

// ending is what the end of a call says about the server, rather than about the
// token.
func (v verdict) ending(a *host.Answer) breaker.Ending {
	if v.claims != nil {
		return breaker.Answered
	}
	switch a.Failure {
	case host.FailureUnknown, host.UnknownCluster:
		return breaker.Lost
	case host.NoHost, host.NoConnection:
		return breaker.Down
	case host.NoFailure:
		return endingOf(v.denial.Reason, a)
	}
	return breaker.Failed
}

// endingOf is the same for a call that got a wrong answer. A server that
// refuses our request or our credentials works, and so does one that says
// something about one token that we do not accept: that includes any other 4xx,
// and whatever comes as JSON with status 200. A user whose name cannot be read
// must not be able to open the breaker for everybody else.
func endingOf(r denial.Reason, a *host.Answer) breaker.Ending {
	switch {
	case r == denial.IntrospectionRateLimited:
		return breaker.Limited
	case a.Status >= 400 && a.Status < 500 && a.Status != statusRequestTimeout,
		aboutOneToken(r), a.Status == 200 && saysJSON(a):
		return breaker.Answered
	}
	return breaker.Failed
}

// aboutOneToken reports whether the reason is a flaw in the answer of a server
// that works.
func aboutOneToken(r denial.Reason) bool {
	switch r {
	case denial.IntrospectionTooLarge, denial.IntrospectionTooDeep, denial.IntrospectionTooManyMembers,
		denial.IntrospectionTooManyAudiences, denial.IntrospectionTooManyScopes, denial.IntrospectionClaimTooLong,
		denial.IntrospectionDuplicateMember, denial.IntrospectionClaimsInvalid:
		return true
	}
	return false
}

// statusRequestTimeout: the server did not wait for our request to arrive.
const statusRequestTimeout = 408

// saysJSON looks at the media type (RFC 9110 section 8.3.1): a page that stands
// in for the server during maintenance has another one.
func saysJSON(a *host.Answer) bool {
	const media = "application/json"
	value, _ := a.Header("content-type")
	return len(value) >= len(media) && ascii.EqualFold(value[:len(media)], media)
}
