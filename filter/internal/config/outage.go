package config

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/breaker"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection"
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
var defaultBreaker = breaker.Breaker{
	Failures:       5,
	FailurePercent: 50,
	MinCalls:       20,
	Window:         10 * time.Second,
	OpenFor:        time.Second,
	LongestOpen:    30 * time.Second,
}

var breakerMembers = members{names: []string{"failures", "failure_percent", "min_calls", "window", "open_for", "longest_open"}}

// outageMember reads the members about outages; false for any other.
func (r *reader) outageMember(name string, v value, o *introspection.Options) bool {
	switch name {
	case "retry":
		o.Retry = r.boolean(v)
	case "stale_if_error":
		o.StaleIfError = r.staleIfError(v)
	case "max_in_flight":
		o.MaxInFlight = r.integer(v, 1, maxInFlight)
	case "breaker":
		o.Breaker = r.breaker(v)
	default:
		return false
	}
	return true
}

// staleIfError reads "off" or a duration.
func (r *reader) staleIfError(v value) time.Duration {
	if v.isString() && v.content() == "off" {
		return 0
	}
	if v.isBool() { // what a YAML 1.1 reader makes of off
		r.wrong(v, `"off" or a duration`, `; write "off" in quotes`)
		return 0
	}
	return r.duration(v, minStale, maxStale)
}

func (r *reader) breaker(v value) breaker.Breaker {
	b := defaultBreaker
	const wanted = `"off" or {failures: ..., open_for: ...}`
	if v.isString() {
		if v.content() != "off" {
			r.got("must be "+wanted, v.content())
		}
		return breaker.Breaker{}
	}
	if v.isBool() { // what a YAML 1.1 reader makes of off
		r.wrong(v, wanted, `; write "off" in quotes`)
		return breaker.Breaker{}
	}
	longest := false
	r.object(v, &breakerMembers, func(name string, v value) {
		switch name {
		case "failures":
			b.Failures = r.integer(v, 1, maxBreakerCalls)
		case "failure_percent":
			b.FailurePercent = r.integer(v, 1, 100)
		case "min_calls":
			b.MinCalls = r.integer(v, 1, maxBreakerCalls)
		case "window":
			b.Window = r.duration(v, minWindow, breaker.MaxWindow)
		case "open_for":
			b.OpenFor = r.duration(v, minBreakerTime, breaker.MaxOpenFor)
		case "longest_open":
			longest = true
			b.LongestOpen = r.duration(v, minBreakerTime, breaker.MaxOpenFor)
		}
	})
	if longest && b.OpenFor > b.LongestOpen && b.LongestOpen > 0 {
		r.problemAt("longest_open", "must not be shorter than open_for, "+b.OpenFor.String())
	}
	b.LongestOpen = max(b.LongestOpen, b.OpenFor)
	return b
}
