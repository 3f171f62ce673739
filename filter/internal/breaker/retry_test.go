package breaker

import (
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

func TestRetryWithin(t *testing.T) {
	const timeout = 2 * time.Second
	for _, tt := range []struct {
		name    string
		failure pipeline.Failure
		elapsed time.Duration
		left    time.Duration
		ok      bool
	}{
		{"refused at once", pipeline.Unreachable, 0, timeout, true},
		{"reset after a while", pipeline.ResetMidAnswer, 1500 * time.Millisecond, 500 * time.Millisecond, true},
		{"at the least time", pipeline.Unreachable, timeout - minRetryTime, minRetryTime, true},
		{"below it", pipeline.Unreachable, timeout - minRetryTime + 1, 0, false},
		{"broke off at the timeout", pipeline.ResetMidAnswer, timeout, 0, false},
		{"long after it", pipeline.Unreachable, time.Hour, 0, false},
		{"the clock went back", pipeline.Unreachable, -time.Second, 0, false},
		{"timed out", pipeline.TimedOut, 0, 0, false},
		{"answered", pipeline.NoFailure, 0, 0, false},
		{"not HTTP", pipeline.NotHTTP, 0, 0, false},
		{"no host", pipeline.NoHost, 0, 0, false},
		{"unknown cluster", pipeline.UnknownCluster, 0, 0, false},
		{"nobody knows", pipeline.FailureUnknown, 0, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			left, ok := RetryWithin(tt.failure, tt.elapsed, timeout)
			if ok != tt.ok || ok && left != tt.left {
				t.Errorf("%v, %v; want %v, %v", left, ok, tt.left, tt.ok)
			}
		})
	}
}
