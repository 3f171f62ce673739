package introspection

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline/pipelinetest"
	"github.com/sallyport-gateway/sallyport/filter/internal/secret"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

// air is a host that keeps the calls until the test lets them land.
type air struct {
	refuse host.Failure // zero: takes calls
	calls  []flying
}

type flying struct {
	host.Callout
	land func(int64, host.Answer)
}

func (a *air) dispatch(c host.Callout, land func(int64, host.Answer)) host.Failure {
	if a.refuse != 0 {
		return a.refuse
	}
	a.calls = append(a.calls, flying{c, land})
	return host.NoFailure
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

	counted  map[string]int
	observed map[string]int64 // the last value
	lines    []string
}

func (b *bench) Count(metric string)                { b.counted[metric]++ }
func (b *bench) Add(metric string, n int64)         { b.counted[metric] += int(n) }
func (b *bench) Observe(metric string, value int64) { b.observed[metric] = value }
func (b *bench) Gauge(string, int64)                {}

func (b *bench) Counter(metric string) host.Counter { return pipelinetest.Named{Host: b, Name: metric} }
func (b *bench) Histogram(metric string) host.Histogram {
	return pipelinetest.Named{Host: b, Name: metric}
}

func newBench(change func(*Options)) *bench {
	return newBenchOn(memstore.New(nil), host.NoPeers{}, 0, change)
}

// newBenchOn is a step on a host that it may share with others.
func newBenchOn(store host.Store, peers host.Peers, random uint64, change func(*Options)) *bench {
	b := &bench{now: start, counted: map[string]int{}, observed: map[string]int64{}}
	o := Options{
		Cluster: "okta", Authority: "idp.example", Path: "/introspect", ClientID: "gateway",
		Secret: secret.New("s3cret"), Timeout: 2 * time.Second,
		CacheMaxTTL: time.Minute, CacheEntries: 8, MaxInFlight: 1000,
	}
	if change != nil {
		change(&o)
	}
	b.step = New(o, host.Ports{
		Store: store, Dispatcher: b.air.dispatch, Metrics: b,
		Peers: peers,
		Warn:  func(line string) { b.lines = append(b.lines, line) }, Random: func() uint64 { return random },
	})
	b.seq = pipeline.NewSequence(b.step)
	return b
}

func (b *bench) arrive(token string) *exchange {
	x := &exchange{Exchange: withAuthorization("", "Bearer "+token), run: b.seq.Begin()}
	x.verdict = x.run.Advance(x.Exchange, b.now.UnixNano(), func() {
		x.woken++
		x.verdict = x.run.Advance(x.Exchange, b.now.UnixNano(), func() { panic("parked twice") })
	})
	return x
}

func (b *bench) land(call int, a host.Answer) { b.air.calls[call].land(b.now.UnixNano(), a) }

// active is an answer about a token of subject that is good for five minutes.
func (b *bench) active(subject string) host.Answer {
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

func (x *exchange) wantDenied(t *testing.T, want denial.Denial) {
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
