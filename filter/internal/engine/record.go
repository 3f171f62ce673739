package engine

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/metrics"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/usage"
)

// The metrics. A value between "=" and "|" becomes a Prometheus label by the
// stats_tags of envoy-config/envoy.yaml. Nothing from a request is in a name,
// so a client cannot create series.
const (
	metricDecisions = "sallyport_decisions."
	metricDryRun    = "sallyport_dry_run."
	metricOverruled = "sallyport_overridden."
	metricCallouts  = "sallyport_callouts"
	metricAbandoned = "sallyport_abandoned"
	metricPanics    = "sallyport_panics"
	metricAdded     = "sallyport_added_us"
)

// counters are those that any request may change.
type counters struct {
	allowed                  host.Counter
	answered                 host.Counter // nil before the first
	denied, dryRun, overrule byReason
	added                    host.Histogram
}

func newCounters(m *metrics.Ledger) counters {
	return counters{
		allowed:  m.Counter(metricDecisions + usage.DecisionLabels(true, 0)),
		denied:   byReason{metrics: m, name: metricDecisions + usage.DenyLabel},
		dryRun:   byReason{metrics: m, name: metricDryRun},
		overrule: byReason{metrics: m, name: metricOverruled},
		added:    m.Histogram(metricAdded),
	}
}

// byReason is a counter for each reason, looked up when it is first counted.
type byReason struct {
	metrics *metrics.Ledger
	name    string // without the label of the reason
	of      []host.Counter
}

//go:noinline
func (c *byReason) count(r denial.Reason) {
	if c.of == nil {
		c.of = make([]host.Counter, denial.ReasonCount)
	}
	if int(r) >= len(c.of) {
		r = denial.Internal
	}
	if c.of[r] == nil {
		c.of[r] = c.metrics.Counter(c.name + usage.ReasonLabel(r))
	}
	c.of[r].Add(1)
}

// note counts a decision, and what was let pass because the operator said so.
// reason is why a request was refused.
func (e *Engine) note(x *pipeline.Exchange, allowed bool, reason denial.Reason) {
	if allowed {
		e.counters.allowed.Add(1)
	} else {
		e.counters.denied.count(reason)
	}
	e.noteExcused(x)
}

// noteAnswer counts a request that was answered in the backend's place.
func (e *Engine) noteAnswer(x *pipeline.Exchange) {
	if e.counters.answered == nil {
		e.counters.answered = e.metrics.Counter(metricDecisions + usage.AnswerLabel)
	}
	e.counters.answered.Add(1)
	e.noteExcused(x)
}

func (e *Engine) noteExcused(x *pipeline.Exchange) {
	for _, r := range x.DryRun {
		e.counters.dryRun.count(r)
	}
	for _, r := range x.Overridden {
		e.counters.overrule.count(r)
		e.say(r, "let a request pass because of on_error: ", x)
	}
}

// quiet is how long the same complaint is not repeated: an outage must not
// become a flood of log lines.
const quiet = time.Second

// complain logs a refusal that is not the request's own fault.
func (e *Engine) complain(r denial.Reason, s *Stream) {
	if r.Technical() {
		step := ""
		if s.run.Step() != "" {
			step = " at step " + s.run.Step()
		}
		e.say(r, "refused a request"+step+": ", &s.exchange)
	}
}

func (e *Engine) say(r denial.Reason, what string, x *pipeline.Exchange) {
	now := x.Now
	if last, ok := e.spoken[r]; ok && now >= last && now-last < int64(quiet) {
		return
	}
	e.spoken[r] = now
	line := "sallyport: " + what + r.String()
	if x.API.Name != "" {
		line += " (api " + x.API.Name + "/" + x.API.Version + ")"
	}
	if hint := remedy(r); hint != "" {
		line += "; " + hint
	}
	e.host.Log(Error, line)
}

// remedy tells the operator where to look, for what only an operator can fix;
// "" for everything else.
func remedy(r denial.Reason) string {
	switch r {
	case denial.IntrospectionUnknownCluster:
		return "introspect_token.cluster is not a cluster of this proxy"
	case denial.IntrospectionNoHost:
		return "the introspection cluster has no healthy endpoint or its circuit breaker is open"
	case denial.IntrospectionCredentialsRefused:
		return "the authorization server refused introspect_token.client_id and client_secret"
	case denial.IntrospectionForbidden:
		return "the authorization server does not allow introspect_token.client_id to introspect tokens"
	case denial.IntrospectionRejected:
		return "the authorization server rejected the introspection request itself; check introspect_token.path"
	case denial.JWKSInvalid:
		return "precheck.jwks.path must be the issuer's jwks_uri, which returns its keys"
	case denial.JWKSUnavailable:
		return "the issuer's keys could not be fetched; check precheck.jwks"
	case denial.IntrospectionRateLimited:
		return "the authorization server limits this gateway's calls; raise its limit or cache.max_ttl"
	}
	return ""
}

// Panicked counts a panic that was recovered and says where it happened.
func (e *Engine) Panicked(where string) {
	e.metrics.Count(metricPanics)
	e.host.Log(Error, "sallyport: recovered a panic in "+where)
}
