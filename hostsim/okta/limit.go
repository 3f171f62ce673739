package okta

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// limitWindow is the length of Okta's windows, which begin with a call and not
// with the minute of a clock.
const limitWindow = time.Minute

// limiter counts back-channel calls. It is shared by all clients, as an org's bucket is.
type limiter struct {
	perMinute int

	mu    sync.Mutex
	reset time.Time // end of the window
	used  int
}

// take counts one call, writes Okta's headers and says whether the call is within the limit.
func (l *limiter) take(h http.Header, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !now.Before(l.reset) {
		l.reset, l.used = now.Add(limitWindow), 0
	}
	within := l.used < l.perMinute
	if within {
		l.used++
	}
	l.write(h, l.perMinute-l.used)
	return within
}

// writeSpent writes the headers of a window that is used up.
func (l *limiter) writeSpent(h http.Header, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !now.Before(l.reset) {
		l.reset, l.used = now.Add(limitWindow), 0
	}
	l.write(h, 0)
}

// write needs l.mu. The reset is in UTC epoch seconds.
func (l *limiter) write(h http.Header, remaining int) {
	h.Set("X-Rate-Limit-Limit", strconv.Itoa(l.perMinute))
	h.Set("X-Rate-Limit-Remaining", strconv.Itoa(remaining))
	h.Set("X-Rate-Limit-Reset", strconv.FormatInt(l.reset.Unix(), 10))
}
