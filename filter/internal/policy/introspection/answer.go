package introspection

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/fault"
	"github.com/sallyport-gateway/sallyport/filter/internal/incomparable"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection/outage"
)

// MaxAnswerBytes bounds the body of an answer: what is longer is refused, and
// need not be read.
const MaxAnswerBytes = 64 << 10

// verdict is what the end of a call amounts to: claims when the server said
// whether the token is active, a denial otherwise. The zero value denies, with
// fault.Internal.
type verdict struct {
	_ incomparable.Type

	claims *pipeline.Claims
	denial fault.Denial
}

// judge reads how a call ended. The status is looked at before the body, and
// nothing of either reaches the client.
func judge(a *pipeline.Answer, now int64) verdict {
	if a.Failure != pipeline.NoFailure {
		return verdict{denial: failureDenial(a.Failure)}
	}
	if a.Status != 200 {
		return verdict{denial: statusDenial(a, now)}
	}
	if len(a.Body) > MaxAnswerBytes || a.BodySize > len(a.Body) {
		return verdict{denial: denialFor(fault.IntrospectionTooLarge)}
	}
	claims, reason, ok := readClaims(a.Body)
	if !ok {
		return verdict{denial: denialFor(reason)}
	}
	return verdict{claims: claims}
}

// failureDenial is for calls without an answer of the server. A failure that
// nobody named is a fault of ours: Internal.
func failureDenial(f pipeline.Failure) fault.Denial {
	switch f {
	case pipeline.UnknownCluster:
		return denialFor(fault.IntrospectionUnknownCluster)
	case pipeline.NoHost:
		return denialFor(fault.IntrospectionNoHost)
	case pipeline.Unreachable:
		return denialFor(fault.IntrospectionUnreachable)
	case pipeline.TimedOut:
		return denialFor(fault.IntrospectionTimeout)
	case pipeline.ResetMidAnswer:
		return denialFor(fault.IntrospectionReset)
	case pipeline.NotHTTP:
		return denialFor(fault.IntrospectionNotHTTP)
	}
	return denialFor(fault.Internal)
}

// statusDenial is for answers other than 200. A 401 is about our own client
// credentials (RFC 7662 section 2.3), never about the caller's token.
func statusDenial(a *pipeline.Answer, now int64) fault.Denial {
	switch {
	case a.Status == 400:
		return denialFor(fault.IntrospectionRejected)
	case a.Status == 401:
		return denialFor(fault.IntrospectionCredentialsRefused)
	case a.Status == 403:
		return denialFor(fault.IntrospectionForbidden)
	case a.Status == 429:
		return fault.Denial{
			Reason:            fault.IntrospectionRateLimited,
			RetryAfterSeconds: int(outage.Hold(a, now) / time.Second),
		}
	case a.Status >= 500 && a.Status <= 599:
		d := denialFor(fault.IntrospectionServerError)
		if after, ok := outage.RetryAfter(a); ok {
			d.RetryAfterSeconds = int(after / time.Second)
		}
		return d
	}
	return denialFor(fault.IntrospectionUnexpectedStatus)
}

// unavailableRetrySeconds is told when the server could not be asked.
const unavailableRetrySeconds = 5

// denialFor tells the client of a 503 when to come again.
//
//go:noinline
func denialFor(r fault.Reason) fault.Denial {
	d := fault.Denial{Reason: r}
	if r.Status() == 503 {
		d.RetryAfterSeconds = unavailableRetrySeconds
	}
	return d
}
