package breaker

import (
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

func TestRetryWithin(t *testing.T) {
	const timeout = 2 * time.Second
	for _, tt := range []struct {
		name    string
		failure host.Failure
		elapsed time.Duration
		left    time.Duration
		ok      bool
	}{
		{"refused at once", host.Unreachable, 0, timeout, true},
		{"reset after a while", host.ResetMidAnswer, 1500 * time.Millisecond, 500 * time.Millisecond, true},
		{"at the least time", host.Unreachable, timeout - minRetryTime, minRetryTime, true},
		{"below it", host.Unreachable, timeout - minRetryTime + 1, 0, false},
		{"broke off at the timeout", host.ResetMidAnswer, timeout, 0, false},
		{"long after it", host.Unreachable, time.Hour, 0, false},
		{"the clock went back", host.Unreachable, -time.Second, 0, false},
		{"timed out", host.TimedOut, 0, 0, false},
		{"answered", host.NoFailure, 0, 0, false},
		{"not HTTP", host.NotHTTP, 0, 0, false},
		{"no host", host.NoHost, 0, 0, false},
		{"unknown cluster", host.UnknownCluster, 0, 0, false},
		{"nobody knows", host.FailureUnknown, 0, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			left, ok := RetryWithin(tt.failure, tt.elapsed, timeout)
			if ok != tt.ok || ok && left != tt.left {
				t.Errorf("%v, %v; want %v, %v", left, ok, tt.left, tt.ok)
			}
		})
	}
}
