package introspection

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/fault"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/secret"
)

// air is a host that keeps the calls until the test lets them land.
type air struct {
	refuse pipeline.Failure // zero: takes calls
	calls  []flying
}

type flying struct {
	pipeline.Callout
	land func(time.Time, pipeline.Answer)
}

func (a *air) Dispatch(c pipeline.Callout, land func(time.Time, pipeline.Answer)) pipeline.Failure {
	if a.refuse != 0 {
		return a.refuse
	}
	a.calls = append(a.calls, flying{c, land})
	return pipeline.NoFailure
}

// exchange is one request on its way through the step.
type exchange struct {
	*pipeline.Exchange
	run     *pipeline.Run
	verdict pipeline.Verdict
	woken   int
}

// bench is a step, its host and a clock that only the test moves.
type bench struct {
	step *Step
	seq  *pipeline.Sequence
	air  air
	now  time.Time
}

func newBench(change func(*Options)) *bench {
	b := &bench{now: start}
	o := Options{
		Cluster: "okta", Authority: "idp.example", Path: "/introspect", ClientID: "gateway",
		Secret: secret.New("s3cret"), Timeout: 2 * time.Second,
		CacheMaxTTL: time.Minute, CacheEntries: 8,
	}
	if change != nil {
		change(&o)
	}
	b.step = New(o, &b.air)
	b.seq = pipeline.NewSequence(b.step)
	return b
}

func (b *bench) arrive(token string) *exchange {
	x := &exchange{Exchange: withAuthorization("", "Bearer "+token), run: b.seq.Begin()}
	x.verdict = x.run.Advance(x.Exchange, b.now, func() {
		x.woken++
		x.verdict = x.run.Advance(x.Exchange, b.now, func() { panic("parked twice") })
	})
	return x
}

func (b *bench) land(call int, a pipeline.Answer) { b.air.calls[call].land(b.now, a) }

// active is an answer about a token of subject that is good for five minutes.
func (b *bench) active(subject string) pipeline.Answer {
	return answered(200, fmt.Sprintf(`{"active":true,"sub":%q,"exp":%d,"aud":["a","b"],"scope":"s t"}`, subject, b.now.Unix()+300))
}

func (x *exchange) wantParked(t *testing.T) {
	t.Helper()
	if x.verdict != pipeline.Parked || x.woken != 0 {
		t.Fatalf("verdict %v, woken %d times, want parked", x.verdict, x.woken)
	}
}

func (x *exchange) wantAdmitted(t *testing.T, subject string) {
	t.Helper()
	if x.verdict != pipeline.Admitted || x.Token == nil || !x.Token.Active || x.Token.Subject != subject {
		t.Fatalf("verdict %v for %v, token %+v, want admitted with %s", x.verdict, x.run.Denial().Reason, x.Token, subject)
	}
}

func (x *exchange) wantDenied(t *testing.T, want fault.Denial) {
	t.Helper()
	if x.verdict != pipeline.Denied {
		t.Fatalf("verdict %v, want denied for %v", x.verdict, want.Reason)
	}
	if diff := cmp.Diff(want, x.run.Denial()); diff != "" {
		t.Fatalf("denial (-want +got):\n%s", diff)
	}
	if x.Token != nil && x.Token.Active {
		t.Fatalf("denied with an active token")
	}
}

func (b *bench) wantCalls(t *testing.T, want int) {
	t.Helper()
	if len(b.air.calls) != want {
		t.Fatalf("%d calls, want %d", len(b.air.calls), want)
	}
}

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
		want   fault.Reason
	}{
		{nil, fault.TokenMissing},
		{[]string{"Bearer a,Bearer b"}, fault.TokenAmbiguous},
		{[]string{"Bearer ?"}, fault.TokenMalformed},
	} {
		b := newBench(nil)
		x := withAuthorization("", tt.values...)
		x.Token = &pipeline.Claims{Active: true}
		d, denied := b.step.Apply(x).Denial()
		if !denied || d != (fault.Denial{Reason: tt.want}) || x.Token != nil {
			t.Errorf("%v: denied %v with %+v, token %v", tt.values, denied, d, x.Token)
		}
		b.wantCalls(t, 0)
	}
}

func TestInactiveTokenIsRefused(t *testing.T) {
	b := newBench(nil)
	x := b.arrive("abc")
	b.land(0, answered(200, `{"active":false}`))
	x.wantDenied(t, fault.Denial{Reason: fault.TokenInactive})
	if x.Token == nil {
		t.Error("a step in dry run leaves nothing that require_token could refuse")
	}
	b.arrive("abc").wantParked(t)
	b.wantCalls(t, 2)
}

func TestFailureReachesEveryWaiterAndIsNotKept(t *testing.T) {
	for _, a := range []pipeline.Answer{
		{},
		{Failure: pipeline.TimedOut},
		answered(503, ""),
		answered(429, ""),
		answered(401, ""),
		answered(200, "<html>"),
	} {
		b := newBench(nil)
		waiting := []*exchange{b.arrive("abc"), b.arrive("abc"), b.arrive("abc")}
		b.land(0, a)
		for _, x := range waiting {
			x.wantDenied(t, judge(&a, b.now).denial)
			if x.woken != 1 || x.Token != nil {
				t.Errorf("woken %d times, token %v", x.woken, x.Token)
			}
		}
		b.arrive("abc").wantParked(t)
		b.wantCalls(t, 2)
	}
}

func TestRefusedCallIsDeniedAtOnceAndLeavesNothing(t *testing.T) {
	for failure, reason := range map[pipeline.Failure]fault.Reason{
		pipeline.UnknownCluster: fault.IntrospectionUnknownCluster,
		pipeline.NoHost:         fault.IntrospectionNoHost,
		pipeline.Unreachable:    fault.IntrospectionUnreachable,
		pipeline.Failure(99):    fault.Internal,
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

func TestOneTokenIsAskedAboutOnce(t *testing.T) {
	b := newBench(nil)
	first, second, other := b.arrive("abc"), b.arrive("abc"), b.arrive("def")
	b.wantCalls(t, 2)
	b.land(0, b.active("alice"))
	first.wantAdmitted(t, "alice")
	second.wantAdmitted(t, "alice")
	other.wantParked(t)
	b.land(1, b.active("bob"))
	other.wantAdmitted(t, "bob")
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

func TestFlightWithoutEndIsReplaced(t *testing.T) {
	b := newBench(nil)
	lost := b.arrive("abc")
	b.now = b.now.Add(2*time.Second + staleMargin)
	b.arrive("abc").wantParked(t)
	b.wantCalls(t, 1)
	b.now = b.now.Add(1)
	found := b.arrive("abc")
	b.wantCalls(t, 2)
	b.land(1, answered(200, `{"active":false}`))
	found.wantDenied(t, fault.Denial{Reason: fault.TokenInactive})

	// The lost call comes back after all, with what was true before.
	lost.wantParked(t)
	b.land(0, b.active("alice"))
	lost.wantAdmitted(t, "alice")
	b.arrive("abc").wantParked(t)
	b.wantCalls(t, 3)
}

func TestLateAnswerLeavesTheNewFlightAlone(t *testing.T) {
	b := newBench(nil)
	b.arrive("abc")
	b.now = b.now.Add(time.Hour)
	b.arrive("abc")
	b.land(0, b.active("alice"))
	joined := b.arrive("abc")
	joined.wantParked(t)
	b.wantCalls(t, 2)
	b.land(1, answered(200, `{"active":false}`))
	joined.wantDenied(t, fault.Denial{Reason: fault.TokenInactive})
}

func TestClockSetBackDoesNotHideALostFlight(t *testing.T) {
	b := newBench(nil)
	b.arrive("abc")
	b.now = b.now.Add(-time.Hour)
	b.arrive("abc").wantParked(t)
	b.wantCalls(t, 2)
}

func TestInactiveAnswerEvicts(t *testing.T) {
	b := newBench(nil)
	b.arrive("abc")
	b.land(0, b.active("alice"))
	k := b.step.keys.of("abc")
	if _, ok := b.step.cache.get(k, b.now); !ok {
		t.Fatal("not cached")
	}
	c := &call{key: k, started: b.now}
	b.step.flights.add(c)
	b.step.land(c, b.now, answered(200, `{"active":false}`))
	b.arrive("abc").wantParked(t)
	b.wantCalls(t, 2)
}

func TestSecondLandingChangesNothing(t *testing.T) {
	b := newBench(nil)
	x := b.arrive("abc")
	b.land(0, answered(200, `{"active":false}`))
	b.land(0, b.active("alice"))
	x.wantDenied(t, fault.Denial{Reason: fault.TokenInactive})
	if x.woken != 1 {
		t.Errorf("woken %d times", x.woken)
	}
	b.arrive("abc").wantParked(t)
}

func TestPanicWhileLandingWakesAllAndDenies(t *testing.T) {
	b := newBench(nil)
	waiting := []*exchange{b.arrive("abc"), b.arrive("abc")}
	b.step.cache = nil // its use panics
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		b.land(0, b.active("alice"))
	}()
	for _, x := range waiting {
		x.wantDenied(t, fault.Denial{Reason: fault.Internal})
		if x.woken != 1 {
			t.Errorf("woken %d times", x.woken)
		}
	}
	if n := len(b.step.flights.byKey); n != 0 {
		t.Errorf("%d flights left", n)
	}
}

func TestTooManyFlights(t *testing.T) {
	b := newBench(nil)
	for i := range maxFlights {
		b.arrive(fmt.Sprint("t", i)).wantParked(t)
	}
	b.arrive("one-more").wantDenied(t, denialFor(fault.IntrospectionOverloaded))
	b.wantCalls(t, maxFlights)
	b.arrive("t0").wantParked(t) // joining is still possible
	b.land(0, b.active("alice"))
	b.arrive("one-more").wantParked(t)
	b.wantCalls(t, maxFlights+1)
	b.arrive("and-another").wantDenied(t, denialFor(fault.IntrospectionOverloaded))

	b.now = b.now.Add(time.Hour) // all of them lost
	b.arrive("and-another").wantParked(t)
	if n := len(b.step.flights.byKey); n != 1 {
		t.Errorf("%d flights noted, want 1", n)
	}
}

func TestTooManyWaiters(t *testing.T) {
	b := newBench(nil)
	for range maxWaiters {
		b.arrive("abc").wantParked(t)
	}
	b.arrive("abc").wantDenied(t, denialFor(fault.IntrospectionOverloaded))
	b.arrive("def").wantParked(t)
	b.wantCalls(t, 2)
}

func TestExchangeWhoseDeadlinePassedStaysDenied(t *testing.T) {
	b := newBench(nil)
	gone, waiting := b.arrive("abc"), b.arrive("abc")
	gone.run.Fail(fault.Denial{Reason: fault.IntrospectionDeadline})
	b.land(0, b.active("alice"))
	gone.wantDenied(t, fault.Denial{Reason: fault.IntrospectionDeadline})
	waiting.wantAdmitted(t, "alice")
}

func TestDryRunAndOnErrorLeaveNoActiveToken(t *testing.T) {
	for _, tt := range []struct {
		name   string
		wrap   func(pipeline.Step) pipeline.Step
		answer pipeline.Answer
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

func BenchmarkCachedHit(bm *testing.B) {
	for _, size := range []int{40, 900, 4000} {
		bm.Run(fmt.Sprintf("token=%d", size), func(bm *testing.B) {
			b := newBench(nil)
			token := strings.Repeat("a", size)
			b.arrive(token)
			b.land(0, b.active("alice"))
			x := withAuthorization("", "Bearer "+token)
			x.Now = b.now
			bm.ReportAllocs()
			for bm.Loop() {
				if !b.step.Apply(x).Continues() {
					bm.Fatal("no hit")
				}
			}
		})
	}
}

func BenchmarkCall(bm *testing.B) {
	b := newBench(func(o *Options) { o.CacheMaxTTL = 0 })
	answer := answered(200, oktaAnswer)
	bm.ReportAllocs()
	for bm.Loop() {
		x := b.arrive("abc")
		b.land(0, answer)
		b.air.calls = b.air.calls[:0]
		if x.verdict != pipeline.Admitted {
			bm.Fatal("refused")
		}
	}
}
