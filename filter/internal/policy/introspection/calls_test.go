package introspection

import (
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/breaker"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

func retrying(o *Options) { o.Retry = true }

func TestARefusedConnectionIsTriedOnceMore(t *testing.T) {
	b := newBench(retrying)
	x := b.arrive("abc")
	b.now = b.now.Add(1200 * time.Millisecond)
	b.land(0, host.Answer{Failure: host.Unreachable})
	x.wantParked(t)
	b.wantCalls(t, 2)
	if got := b.air.calls[1]; got.Timeout != 800*time.Millisecond || string(got.Body) != string(b.air.calls[0].Body) {
		t.Errorf("second try %+v", got.Callout)
	}
	b.land(1, b.active("alice"))
	x.wantAdmitted(t, "alice")
	if b.counted[metricRetries] != 1 || b.counted[metricCalls+"active|"] != 1 || b.observed[metricLatency] != 1200 {
		t.Errorf("counted %v, observed %v", b.counted, b.observed)
	}
}

func TestASecondFailureIsTheEnd(t *testing.T) {
	b := newBench(retrying)
	x := b.arrive("abc")
	b.land(0, host.Answer{Failure: host.ResetMidAnswer})
	b.land(1, host.Answer{Failure: host.Unreachable})
	x.wantDenied(t, denialFor(denial.IntrospectionUnreachable))
	b.wantCalls(t, 2)
}

func TestWhatATryCannotMendIsNotTriedAgain(t *testing.T) {
	for _, a := range []host.Answer{
		{}, {Failure: host.TimedOut}, {Failure: host.NotHTTP}, answered(500, ""), answered(429, ""), answered(401, ""), answered(200, "{}"),
	} {
		b := newBench(retrying)
		b.arrive("abc")
		b.land(0, a)
		b.wantCalls(t, 1)
	}
	b := newBench(retrying)
	b.arrive("abc")
	b.now = b.now.Add(2 * time.Second)
	b.land(0, host.Answer{Failure: host.ResetMidAnswer}) // a timeout in the middle of the answer looks like this
	b.wantCalls(t, 1)
}

func TestARetryThatTheHostRefusesLeavesTheFirstFailure(t *testing.T) {
	b := newBench(retrying)
	x := b.arrive("abc")
	b.air.refuse = host.NoHost
	b.land(0, host.Answer{Failure: host.Unreachable})
	x.wantDenied(t, denialFor(denial.IntrospectionUnreachable))
	if b.counted[metricRetries] != 0 {
		t.Errorf("counted %v", b.counted)
	}
}

func TestAProbeIsSentOnce(t *testing.T) {
	b := newBench(func(o *Options) {
		retrying(o)
		o.Breaker = breaker.Breaker{Failures: 1, MinCalls: 1, FailurePercent: 100, Window: time.Second, OpenFor: time.Second, LongestOpen: time.Second}
	})
	b.arrive("abc")
	b.land(0, answered(500, ""))
	b.now = b.now.Add(time.Second)
	x := b.arrive("abc")
	b.land(1, host.Answer{Failure: host.Unreachable})
	x.wantDenied(t, denialFor(denial.IntrospectionUnreachable))
	b.wantCalls(t, 2)
}

// TestEveryReasonHasItsEnding: what counts for the breaker is named here, and
// everything else does not.
func TestEveryReasonHasItsEnding(t *testing.T) {
	want := map[denial.Reason]breaker.Ending{
		denial.IntrospectionNoHost: breaker.Down, denial.IntrospectionTimeout: breaker.Failed, denial.IntrospectionReset: breaker.Failed,
		denial.IntrospectionNotHTTP: breaker.Failed, denial.IntrospectionServerError: breaker.Failed, denial.IntrospectionNotJSON: breaker.Failed,
		denial.IntrospectionNoActive: breaker.Failed, denial.IntrospectionRateLimited: breaker.Limited,
		denial.IntrospectionUnknownCluster: breaker.Lost, denial.Internal: breaker.Lost,
	}
	for _, a := range everyAnswer() {
		v := judge(&a, start.UnixNano())
		ending, named := want[v.denial.Reason]
		switch {
		case a.Failure == host.Unreachable, a.Failure == host.NoFailure && (a.Status < 400 && a.Status != 200):
			ending = breaker.Failed
		case a.Failure == host.NoConnection:
			ending = breaker.Down
		case !named:
			ending = breaker.Answered
		}
		if got := v.ending(&a); got != ending {
			t.Errorf("failure %v, status %d, %v: ending %v, want %v", a.Failure, a.Status, v.denial.Reason, got, ending)
		}
	}
	for _, claims := range []*pipeline.Claims{{}, {Active: true}} {
		if got := (verdict{claims: claims}).ending(&host.Answer{}); got != breaker.Answered {
			t.Errorf("%+v: ending %v", claims, got)
		}
	}
}

// everyAnswer has one answer for each reason that a call can end with.
func everyAnswer() []host.Answer {
	all := []host.Answer{{Failure: host.NoFailure, Status: 200, BodySize: 1}}
	for f := host.FailureUnknown; f <= host.NoConnection; f++ {
		if f != host.NoFailure {
			all = append(all, host.Answer{Failure: f})
		}
	}
	for _, status := range []int{0, 204, 302, 400, 401, 403, 404, 429, 500, 503} {
		all = append(all, answered(status, ""))
	}
	for _, body := range []string{"", "{}", `{"active":true,"active":true}`, `{"active":true,"exp":"x"}`} {
		all = append(all, answered(200, body))
	}
	return all
}
