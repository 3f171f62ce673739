package introspection

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection/lease"
)

const (
	// hotHits is how often an answer must have been used to be renewed ahead of
	// its end.
	hotHits = 2
	// maxRefreshes bounds the calls that nobody waits for.
	maxRefreshes = 32
	// metricRefreshes counts them.
	metricRefreshes = "sallyport_introspection_refreshes"
)

// refreshAhead asks about a token that is used a lot, shortly before its answer
// ends, so that no request has to wait when it does. It fails silently: the
// answer is still good, and the next request after its end asks again. A token
// that is about to expire itself is left alone.
func (s *Step) refreshAhead(e *entry, x *pipeline.Exchange, now int64) {
	if s.ahead <= 0 || len(s.flights.byKey) >= maxRefreshes {
		return
	}
	if e.hits < hotHits || e.Until-now > int64(s.ahead) || e.Until == e.Claims.Expires*int64(time.Second) || e.Until == e.valid.until {
		return
	}
	if since := now - e.refreshed; 0 <= since && since < int64(leaseTime) {
		return // asked, or seen to be asked, just now
	}
	e.refreshed = now
	if _, flying := s.flights.find(e.key, now); flying {
		return
	}
	header, _ := authorization(x)
	_, token := schemeAndToken(header)
	c := newCall(e.key, e.valid, now, token)
	if s.shared != nil {
		switch s.shared.acquire(e.key, now, noNews) {
		case lease.Joined:
			return
		case lease.Granted:
			c.role = holder
		}
	}
	if _, ok := s.send(c); ok {
		s.metrics.Count(metricRefreshes)
	}
}
