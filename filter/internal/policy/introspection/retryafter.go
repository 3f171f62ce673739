package introspection

import (
	"strconv"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

const (
	// unavailableRetrySeconds is told when the server could not be asked.
	unavailableRetrySeconds = 5
	// limitedRetrySeconds is told when the server limits us and does not say,
	// or not believably, until when.
	limitedRetrySeconds = 30
	// maxRetrySeconds bounds what the server may make us tell. Okta's windows
	// have 60 seconds.
	maxRetrySeconds = 300
)

// retryAfterLimited is how long to stay away after a 429: Retry-After if there
// is one, else until X-Rate-Limit-Reset, which Okta gives in unix seconds.
func retryAfterLimited(a *pipeline.Answer, now int64) int {
	if seconds, ok := retryAfterHeader(a); ok {
		return seconds
	}
	reset, ok := numberHeader(a, "x-rate-limit-reset")
	if !ok {
		return limitedRetrySeconds
	}
	wait := reset - now/int64(time.Second)
	if wait <= 0 || wait > maxRetrySeconds {
		return limitedRetrySeconds
	}
	return int(wait)
}

// retryAfterHeader reads Retry-After in seconds, bounded. Its other form, a
// date, is not read (RFC 9110 section 10.2.3).
func retryAfterHeader(a *pipeline.Answer) (seconds int, ok bool) {
	n, ok := numberHeader(a, "retry-after")
	if !ok || n == 0 {
		return 0, false
	}
	return int(min(n, maxRetrySeconds)), true
}

// numberHeader reads digits, and nothing else.
func numberHeader(a *pipeline.Answer, name string) (int64, bool) {
	value, ok := a.Header(name)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(value, 10, 63)
	return int64(n), err == nil
}
