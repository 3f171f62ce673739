package breaker

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

// minRetryTime is the least time in which a second try is worthwhile.
const minRetryTime = 20 * time.Millisecond

// RetryWithin says whether a call that failed may be sent a second time, and
// how much of its timeout is left for that. Only a connection that was refused
// or reset is tried again: after a timeout there is no time left, and an answer
// would be the same. elapsed is the time since the first try was sent.
func RetryWithin(f host.Failure, elapsed, timeout time.Duration) (left time.Duration, ok bool) {
	if f != host.NoConnection && f != host.Unreachable && f != host.ResetMidAnswer {
		return 0, false
	}
	left = timeout - elapsed
	return left, elapsed >= 0 && left >= minRetryTime
}
