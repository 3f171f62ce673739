package introspection

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/breaker"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

func TestActiveTokenContinues(t *testing.T) {
	b := newBench(nil)
	x := b.arrive("abc")
	x.wantParked(t)
	b.wantCalls(t, 1)
	if got := string(b.air.calls[0].Body); got != "token=abc&token_type_hint=access_token" {
		t.Errorf("asked %q", got)
	}
	b.land(0, b.active("alice"))
	x.wantAdmitted(t, "alice")
	if diff := cmp.Diff([]string{"s", "t"}, x.Token.Scopes); diff != "" || x.woken != 1 {
		t.Errorf("woken %d times, scopes (-want +got):\n%s", x.woken, diff)
	}
}

func TestRequestWithoutOneTokenMakesNoCall(t *testing.T) {
	for _, tt := range []struct {
		values []string
		want   denial.Reason
	}{
		{nil, denial.TokenMissing},
		{[]string{"Bearer a,Bearer b"}, denial.TokenAmbiguous},
		{[]string{"Bearer ?"}, denial.TokenMalformed},
	} {
		b := newBench(nil)
		x := withAuthorization("", tt.values...)
		x.Token = &pipeline.Claims{Active: true}
		d, denied := b.step.Apply(x).Denial()
		if !denied || d != (denial.Denial{Reason: tt.want}) || x.Token != nil {
			t.Errorf("%v: denied %v with %+v, token %v", tt.values, denied, d, x.Token)
		}
		b.wantCalls(t, 0)
	}
}

func TestInactiveTokenIsRefused(t *testing.T) {
	b := newBench(nil)
	x := b.arrive("abc")
	b.land(0, answered(200, `{"active":false}`))
	x.wantDenied(t, denial.Denial{Reason: denial.TokenInactive})
	if x.Token == nil {
		t.Error("a step in dry run leaves nothing that require_token could refuse")
	}
	b.arrive("abc").wantParked(t)
	b.wantCalls(t, 2)
}

func TestFailureReachesEveryWaiterAndIsNotKept(t *testing.T) {
	for _, a := range []host.Answer{
		{},
		{Failure: host.TimedOut},
		answered(503, ""),
		answered(429, ""),
		answered(401, ""),
		answered(200, "<html>"),
	} {
		b := newBench(nil)
		waiting := []*exchange{b.arrive("abc"), b.arrive("abc"), b.arrive("abc")}
		b.land(0, a)
		for _, x := range waiting {
			x.wantDenied(t, judge(&a, b.now.UnixNano()).denial)
			if x.woken != 1 || x.Token != nil {
				t.Errorf("woken %d times, token %v", x.woken, x.Token)
			}
		}
		if a.Status == 429 {
			b.now = b.now.Add(breaker.MaxHold)
		}
		b.arrive("abc").wantParked(t)
		b.wantCalls(t, 2)
	}
}

func TestRefusedCallIsDeniedAtOnceAndLeavesNothing(t *testing.T) {
	for failure, reason := range map[host.Failure]denial.Reason{
		host.UnknownCluster: denial.IntrospectionUnknownCluster,
		host.NoHost:         denial.IntrospectionNoHost,
		host.Unreachable:    denial.IntrospectionUnreachable,
		host.Failure(99):    denial.Internal,
	} {
		b := newBench(nil)
		b.air.refuse = failure
		b.arrive("abc").wantDenied(t, denialFor(reason))
		if n := len(b.step.flights.byKey); n != 0 {
			t.Errorf("%v: %d flights left", reason, n)
		}
		b.air.refuse = 0
		x := b.arrive("abc")
		b.land(0, b.active("alice"))
		x.wantAdmitted(t, "alice")
	}
}

func TestCachedClaimsNeedNoCall(t *testing.T) {
	b := newBench(nil)
	b.arrive("abc")
	b.land(0, b.active("alice"))
	b.now = b.now.Add(time.Minute - 1)
	b.arrive("abc").wantAdmitted(t, "alice")
	b.wantCalls(t, 1)
	b.now = b.now.Add(1)
	b.arrive("abc").wantParked(t)
	b.wantCalls(t, 2)
}

func TestCacheNeverServesPastExp(t *testing.T) {
	b := newBench(func(o *Options) { o.CacheMaxTTL = time.Hour })
	b.arrive("abc")
	b.land(0, b.active("alice"))
	b.now = time.Unix(start.Unix()+300, -1)
	b.arrive("abc").wantAdmitted(t, "alice")
	b.now = time.Unix(start.Unix()+300, 0)
	b.arrive("abc").wantParked(t)
	b.wantCalls(t, 2)
}

func TestCacheOff(t *testing.T) {
	b := newBench(func(o *Options) { o.CacheMaxTTL = 0 })
	b.arrive("abc")
	b.land(0, b.active("alice"))
	b.arrive("abc").wantParked(t)
	b.wantCalls(t, 2)
}

func TestOneExchangeCannotChangeWhatOthersGet(t *testing.T) {
	b := newBench(nil)
	first, second := b.arrive("abc"), b.arrive("abc")
	b.land(0, b.active("alice"))
	spoil := func(x *exchange) {
		x.Token.Subject = "root"
		x.Token.Scopes[0] = "admin"
		x.Token.Audience[0] = "everyone"
		x.Token.Scopes = append(x.Token.Scopes[:1], "more")
	}
	spoil(first)
	want := []string{"s", "t"}
	for _, x := range []*exchange{second, b.arrive("abc"), b.arrive("abc")} {
		x.wantAdmitted(t, "alice")
		if diff := cmp.Diff([][]string{want, {"a", "b"}}, [][]string{x.Token.Scopes, x.Token.Audience}); diff != "" {
			t.Fatalf("claims (-want +got):\n%s", diff)
		}
		spoil(x)
	}
}

func TestInactiveAnswerEvicts(t *testing.T) {
	b := newBench(nil)
	b.arrive("abc")
	b.land(0, b.active("alice"))
	k := b.step.keys.of("abc")
	if _, ok := b.step.held(k, b.now.UnixNano()); !ok {
		t.Fatal("not cached")
	}
	c := &call{key: k, started: b.now.UnixNano()}
	b.step.flights.add(c)
	b.step.land(c, b.now.UnixNano(), verdict{claims: &pipeline.Claims{}})
	b.arrive("abc").wantParked(t)
	b.wantCalls(t, 2)
}

func TestDryRunAndOnErrorLeaveNoActiveToken(t *testing.T) {
	for _, tt := range []struct {
		name   string
		wrap   func(pipeline.Step) pipeline.Step
		answer host.Answer
		claims *pipeline.Claims
	}{
		{"dry run, inactive", pipeline.DryRun, answered(200, `{"active":false}`), &pipeline.Claims{}},
		{"dry run, failed", pipeline.DryRun, answered(500, ""), nil},
		{"on error continue, failed", pipeline.ContinueOnError, answered(500, ""), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(nil)
			b.seq = pipeline.NewSequence(tt.wrap(b.step))
			x := b.arrive("abc")
			b.land(0, tt.answer)
			if x.verdict != pipeline.Admitted {
				t.Fatalf("verdict %v", x.verdict)
			}
			if diff := cmp.Diff(tt.claims, x.Token); diff != "" {
				t.Errorf("token (-want +got):\n%s", diff)
			}
		})
	}
}
