package introspection

import (
	"strconv"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

// metricStale counts requests that were let through on a stale answer, by the
// reason for which there was no new one.
const metricStale = "sallyport_introspection_stale.sp_reason="

// staleQuiet is how long stale answers are not logged again.
const staleQuiet = time.Second

// excusesStale reports whether there is no new answer because of the server, or
// of what was done to spare it. What an operator must fix, or what the server
// did say about the token, is not covered up.
func excusesStale(r denial.Reason) bool {
	switch r {
	case denial.IntrospectionRejected, denial.IntrospectionCredentialsRefused, denial.IntrospectionForbidden, denial.TokenRefused,
		denial.IntrospectionUnknownCluster, denial.Internal:
		return false
	}
	return !aboutOneToken(r)
}

// staleUse marks requests that were let through on a stale answer.
type staleUse struct {
	metrics host.Metrics
	warn    func(line string)
	told    int64 // unix nanoseconds
	since   int64 // how many there were since
}

func (u *staleUse) note(r denial.Reason, now int64) {
	u.metrics.Count(metricStale + r.String() + "|")
	u.since++
	if now >= u.told && now-u.told < int64(staleQuiet) {
		return
	}
	u.warn("let requests pass on stale introspection answers, " + strconv.FormatInt(u.since, 10) + " since the last such line: " + r.String())
	u.told, u.since = now, 0
}
