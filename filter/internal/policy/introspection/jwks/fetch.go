package jwks

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
)

const (
	// MaxBytes bounds a key set's text: what is longer is refused. Okta's has
	// two kilobytes.
	MaxBytes = 64 << 10
	// minLife bounds how often an issuer can make us ask, whatever it says
	// about its keys' life.
	minLife = time.Minute

	metricGood   = "sallyport_jwks_fetches.sp_outcome=ok|"
	metricFailed = "sallyport_jwks_fetches.sp_outcome=failed|"
)

// fetch asks the issuer for its keys, one call at a time. It reports whether the
// host has taken the call.
func (k *Keys) fetch(now int64) bool {
	if k.flying(now) {
		return true
	}
	f := &fetch{started: now}
	refused := k.ports.Dispatcher(host.Callout{
		Cluster:   k.options.Cluster,
		Method:    "GET",
		Authority: k.options.Authority,
		Path:      k.options.Path,
		Headers:   []host.Header{{Name: "accept", Value: "application/json"}},
		Timeout:   k.options.Timeout,
	}, func(now int64, a host.Answer) { k.land(f, now, &a) })
	if refused != host.NoFailure {
		k.fail(now, failureReason(refused))
		return false
	}
	k.inAir = f
	return true
}

// land takes the answer and wakes those who wait, whatever happens before. A
// call that was given up says nothing: a later one may have said more.
func (k *Keys) land(f *fetch, now int64, a *host.Answer) {
	if f.flight.Landed() {
		return
	}
	defer f.flight.Land()
	if k.inAir != f {
		return
	}
	k.inAir = nil
	set, reason := judge(a)
	if set == nil {
		k.fail(now, reason)
		return
	}
	k.ports.Metrics.Count(metricGood)
	k.use(set, now, lifeOf(a))
	k.shared.write(document{fetched: now, life: k.life, text: a.Body})
}

func (k *Keys) fail(now int64, r denial.Reason) {
	k.failed, k.failure = true, unavailable(r)
	k.askAt = now + int64(failureInterval)
	k.ports.Metrics.Count(metricFailed)
	if k.usable(now) {
		k.askAt = now + int64(unknownInterval)
		k.ports.Warn("the issuer's keys could not be fetched again (" + r.String() + "); those fetched " +
			strconv.FormatInt((now-k.fetched)/int64(time.Second), 10) + " s ago stay in use")
	}
}

// judge reads the answer: the keys, or why there are none.
func judge(a *host.Answer) (*jose.KeySet, denial.Reason) {
	switch {
	case a.Failure != host.NoFailure:
		return nil, failureReason(a.Failure)
	case a.Status == 429 || a.Status >= 500 && a.Status <= 599:
		return nil, denial.JWKSUnavailable
	case a.Status != 200 || len(a.Body) > MaxBytes || a.BodySize > len(a.Body):
		return nil, denial.JWKSInvalid
	}
	set, err := jose.ParseKeySet(a.Body)
	if err != nil {
		return nil, denial.JWKSInvalid
	}
	return set, 0
}

func failureReason(f host.Failure) denial.Reason {
	switch f {
	case host.UnknownCluster:
		return denial.IntrospectionUnknownCluster
	case host.FailureUnknown:
		return denial.Internal
	}
	return denial.JWKSUnavailable
}

// lifeOf is how long the issuer says its keys are good (RFC 9111 section
// 5.2.2.1): Okta lets it shrink before it rotates them.
func lifeOf(a *host.Answer) time.Duration {
	const longest = 365 * 24 * 3600 // seconds
	value, _ := a.Header("cache-control")
	var directive string
	for more := true; more; {
		directive, value, more = strings.Cut(value, ",")
		name, number, _ := strings.Cut(ascii.Trim(directive, " \t"), "=")
		if ascii.EqualFold(name, "max-age") {
			if n, ok := ascii.Number(number, math.MaxUint32); ok {
				return time.Duration(min(n, longest)) * time.Second
			}
		}
	}
	return longest * time.Second
}
