package breaker

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// minRetryTime is the least time in which a second try is worth while.
const minRetryTime = 20 * time.Millisecond

// RetryWithin says whether a call that failed may be sent a second time, and
// what of its timeout is left for that. Only a connection that was refused or
// reset is tried again: after a timeout there is no time left, and an answer
// would be the same. elapsed is the time since the first try was sent.
func RetryWithin(f pipeline.Failure, elapsed, timeout time.Duration) (left time.Duration, ok bool) {
	if f != pipeline.NoConnection && f != pipeline.Unreachable && f != pipeline.ResetMidAnswer {
		return 0, false
	}
	left = timeout - elapsed
	return left, elapsed >= 0 && left >= minRetryTime
}
