package breaker

import (
	"math"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

const (
	// MaxHold bounds how long the server may keep us away. Okta's windows have
	// 60 seconds.
	MaxHold = 120 * time.Second
	// defaultHold is for a limit that does not say, or not credibly, when it
	// ends.
	defaultHold = 30 * time.Second
	// shortHold is for a limit that ends with the next free place, or whose end
	// has passed by our clock.
	shortHold = time.Second
	// clockSkew is how far the server's clock is believed to be behind ours.
	clockSkew = 60 * time.Second
)

// Hold is how long to stay away from a server after it answered 429:
// Retry-After if there is one; a second for Okta's concurrency limit, which
// shows as a limit of 0 and whose reset is only a suggestion; else until
// X-Rate-Limit-Reset, which Okta gives in unix seconds. now is in unix
// nanoseconds; the answer is in whole seconds, from 1 second to MaxHold.
func Hold(a *host.Answer, now int64) time.Duration {
	if hold, ok := RetryAfter(a); ok {
		return hold
	}
	if limit, ok := number(a, "x-rate-limit-limit"); ok && limit == 0 {
		return shortHold
	}
	reset, ok := number(a, "x-rate-limit-reset")
	if !ok {
		return defaultHold
	}
	wait := reset - now/int64(time.Second)
	switch {
	case wait > int64(MaxHold/time.Second) || wait <= -int64(clockSkew/time.Second):
		return defaultHold
	case wait <= 0:
		return shortHold
	}
	return time.Duration(wait) * time.Second
}

// RetryAfter reads Retry-After in seconds, at most MaxHold. Its other form, a
// date, is not read (RFC 9110 section 10.2.3).
func RetryAfter(a *host.Answer) (time.Duration, bool) {
	n, ok := number(a, "retry-after")
	if !ok || n == 0 {
		return 0, false
	}
	return time.Duration(min(n, int64(MaxHold/time.Second))) * time.Second, true
}

// budget is what an answer says about the calls that are left in the server's
// current window.
type budget struct{ limit, remaining int64 }

// lowBudgetPercent is the part of a budget below which the operator is warned.
const lowBudgetPercent = 20

func (b budget) low() bool { return b.remaining*100 < b.limit*lowBudgetPercent }

// maxBudget keeps a budget far from overflow.
const maxBudget = 1 << 40

// readBudget gives nothing for a concurrency limit, which is not a budget.
func readBudget(a *host.Answer) (b budget, ok bool) {
	limit, ok := number(a, "x-rate-limit-limit")
	if !ok || limit == 0 {
		return budget{}, false
	}
	remaining, ok := number(a, "x-rate-limit-remaining")
	if !ok {
		return budget{}, false
	}
	return budget{limit: min(limit, maxBudget), remaining: min(remaining, maxBudget)}, true
}

// number reads digits, and nothing else.
func number(a *host.Answer, name string) (int64, bool) {
	value, ok := a.Header(name)
	if !ok {
		return 0, false
	}
	return ascii.Number(value, math.MaxInt64)
}
