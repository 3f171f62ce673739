package introspection

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/breaker"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// MaxAnswerBytes bounds the body of an answer: a longer one is refused, and
// need not be read.
const MaxAnswerBytes = 64 << 10

// verdict is what the end of a call amounts to: claims when the server said
// whether the token is active, a denial otherwise. The zero value denies, with
// denial.Internal.
type verdict struct {
	_      [0]func() // not comparable: an unused == costs the guest code
	claims *pipeline.Claims
	denial denial.Denial
}

// judge reads how a call ended. The status is looked at before the body, and
// nothing of either reaches the client.
func judge(a *host.Answer, now int64) verdict {
	if a.Failure != host.NoFailure {
		return verdict{denial: failureDenial(a.Failure)}
	}
	if a.Status != 200 {
		return verdict{denial: statusDenial(a, now)}
	}
	if len(a.Body) > MaxAnswerBytes || a.BodySize > len(a.Body) {
		return verdict{denial: denialFor(denial.IntrospectionTooLarge)}
	}
	claims, reason, ok := readClaims(a.Body)
	if !ok {
		return verdict{denial: denialFor(reason)}
	}
	return verdict{claims: claims}
}

// failureDenial is for calls without an answer from the server. An unnamed
// failure is a fault of ours: Internal.
func failureDenial(f host.Failure) denial.Denial {
	switch f {
	case host.UnknownCluster:
		return denialFor(denial.IntrospectionUnknownCluster)
	case host.NoHost:
		return denialFor(denial.IntrospectionNoHost)
	case host.Unreachable, host.NoConnection:
		return denialFor(denial.IntrospectionUnreachable)
	case host.TimedOut:
		return denialFor(denial.IntrospectionTimeout)
	case host.ResetMidAnswer:
		return denialFor(denial.IntrospectionReset)
	case host.NotHTTP:
		return denialFor(denial.IntrospectionNotHTTP)
	}
	return denialFor(denial.Internal)
}

// statusDenial is for answers other than 200. A 401 is about our own client
// credentials (RFC 7662 section 2.3), never about the caller's token.
func statusDenial(a *host.Answer, now int64) denial.Denial {
	switch {
	case a.Status == 400:
		return denialFor(rejectionReason(a))
	case a.Status == 401:
		return denialFor(denial.IntrospectionCredentialsRefused)
	case a.Status == 403:
		return denialFor(denial.IntrospectionForbidden)
	case a.Status == 429:
		return denial.Denial{
			Reason:            denial.IntrospectionRateLimited,
			RetryAfterSeconds: int(breaker.Hold(a, now) / time.Second),
		}
	case a.Status >= 500 && a.Status <= 599:
		d := denialFor(denial.IntrospectionServerError)
		if after, ok := breaker.RetryAfter(a); ok {
			d.RetryAfterSeconds = int(after / time.Second)
		}
		return d
	}
	return denialFor(denial.IntrospectionUnexpectedStatus)
}

// unavailableRetrySeconds is the Retry-After when the server could not be
// asked.
const unavailableRetrySeconds = 5

// denialFor tells the client of a 503 when to try again.
//
//go:noinline
func denialFor(r denial.Reason) denial.Denial {
	d := denial.Denial{Reason: r}
	if r.Status() == 503 {
		d.RetryAfterSeconds = unavailableRetrySeconds
	}
	return d
}
