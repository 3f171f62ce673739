package introspection

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection/outage"
)

// Bounds and defaults of what introspect_token does when the authorization
// server is in trouble.
const (
	// A stale answer is a longer life of a token that was revoked: never by
	// default.
	minStale = time.Second
	maxStale = time.Hour

	// Okta refuses all calls of an organization, logins too, beyond 75 at once.
	defaultInFlight = 64
	maxInFlight     = 1024

	maxBreakerCalls = 1000
	minBreakerTime  = 100 * time.Millisecond
	minWindow       = time.Second
)

// defaultBreaker opens after a few failures in a row, and for no longer than
// people wait: while it is open, tokens that are not in the cache are refused.
var defaultBreaker = outage.Breaker{
	Failures:       5,
	FailurePercent: 50,
	MinCalls:       20,
	Window:         10 * time.Second,
	OpenFor:        time.Second,
	LongestOpen:    30 * time.Second,
}

var breakerMembers = decode.Members{Names: []string{"failures", "failure_percent", "min_calls", "window", "open_for", "longest_open"}}

// decodeOutage reads the members about outages.
func decodeOutage(r *decode.Reader, name string, v decode.Value, o *Options) {
	switch name {
	case "retry":
		o.Retry = r.Boolean(v)
	case "stale_if_error":
		o.StaleIfError = decodeStaleIfError(r, v)
	case "max_in_flight":
		o.MaxInFlight = r.Integer(v, 1, maxInFlight)
	case "breaker":
		o.Breaker = decodeBreaker(r, v)
	}
}

// decodeStaleIfError reads "off" or a duration.
func decodeStaleIfError(r *decode.Reader, v decode.Value) time.Duration {
	if v.IsString() && v.Content() == "off" {
		return 0
	}
	if v.IsBool() { // what a YAML 1.1 reader makes of off
		r.Wrong(v, `"off" or a duration`, `; write "off" in quotes`)
		return 0
	}
	return r.Duration(v, minStale, maxStale)
}

func decodeBreaker(r *decode.Reader, v decode.Value) outage.Breaker {
	b := defaultBreaker
	const wanted = `"off" or {failures: ..., open_for: ...}`
	if v.IsString() {
		if v.Content() != "off" {
			r.Got("must be "+wanted, v.Content())
		}
		return outage.Breaker{}
	}
	if v.IsBool() { // what a YAML 1.1 reader makes of off
		r.Wrong(v, wanted, `; write "off" in quotes`)
		return outage.Breaker{}
	}
	longest := false
	r.Object(v, &breakerMembers, func(name string, v decode.Value) {
		switch name {
		case "failures":
			b.Failures = r.Integer(v, 1, maxBreakerCalls)
		case "failure_percent":
			b.FailurePercent = r.Integer(v, 1, 100)
		case "min_calls":
			b.MinCalls = r.Integer(v, 1, maxBreakerCalls)
		case "window":
			b.Window = r.Duration(v, minWindow, outage.MaxWindow)
		case "open_for":
			b.OpenFor = r.Duration(v, minBreakerTime, outage.MaxOpenFor)
		case "longest_open":
			longest = true
			b.LongestOpen = r.Duration(v, minBreakerTime, outage.MaxOpenFor)
		}
	})
	if longest && b.OpenFor > b.LongestOpen && b.LongestOpen > 0 {
		r.ProblemAt("longest_open", "must not be shorter than open_for, "+b.OpenFor.String())
	}
	b.LongestOpen = max(b.LongestOpen, b.OpenFor)
	return b
}
