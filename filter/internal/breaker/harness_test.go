package breaker

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

var start = time.Date(2026, 11, 24, 12, 0, 0, 250_000_000, time.UTC)

// usual are options with round numbers.
func usual() Options {
	return Options{
		Cluster: "okta", Authority: "okta.example.com", MaxInFlight: 4, Lease: 3 * time.Second,
		Breaker: Breaker{Failures: 3, FailurePercent: 50, MinCalls: 10, Window: 10 * time.Second, OpenFor: time.Second, LongestOpen: 8 * time.Second},
	}
}

// role is the one that the record was first made for.
var role = Role{
	Name: "authorization server", Metric: "sallyport_introspection_",
	Held: denial.IntrospectionRateLimited, Open: denial.IntrospectionCircuitOpen, Overloaded: denial.IntrospectionOverloaded,
}

// world is a host with some workers, each with a guard, and a clock that only
// the test moves.
type world struct {
	store  *memstore.Store
	guards []*Guard
	now    time.Time
	random uint64
	gauges map[string]int64
	lines  []string
	token  Mark // of the latest call that named none
}

func newWorld(workers int, o Options, hook memstore.Hook) *world {
	w := &world{store: memstore.New(hook), now: start, gauges: map[string]int64{}}
	for range workers {
		w.addWorker(o)
	}
	return w
}

func (w *world) addWorker(o Options) {
	o.Role = role
	w.guards = append(w.guards, New(o, host.Ports{
		Store: w.store, Metrics: gauges{NoMetrics: host.NoMetrics{}, values: w.gauges},
		Warn:   func(line string) { w.lines = append(w.lines, line) },
		Random: func() uint64 { return w.random },
	}))
}

type gauges struct {
	host.NoMetrics
	values map[string]int64
}

func (g gauges) Gauge(metric string, value int64) { g.values[metric] = value }

// admit asks for a call about a token that there was not before.
func (w *world) admit(worker int) (Permit, denial.Denial, bool) {
	w.token = (w.token + 1) % markBits
	return w.admitFor(worker, w.token)
}

func (w *world) admitFor(worker int, m Mark) (Permit, denial.Denial, bool) {
	return w.guards[worker].Admit(w.now.UnixNano(), m)
}

func (w *world) mustAdmit(t testing.TB, worker int) Permit {
	t.Helper()
	p, d, ok := w.admit(worker)
	if !ok {
		t.Fatalf("refused: %v", d)
	}
	return p
}

func (w *world) mustRefuse(t testing.TB, worker int, want denial.Denial) {
	t.Helper()
	p, d, ok := w.admit(worker)
	if ok {
		t.Fatalf("admitted with %+v, want %v", p, want)
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Fatalf("denial (-want +got):\n%s", diff)
	}
}

func (w *world) done(worker int, p Permit, e Ending, headers ...host.Header) {
	a := host.Answer{Failure: host.NoFailure, Status: 200, Headers: headers}
	switch e {
	case Limited:
		a.Status = 429
	case Failed, Down, Lost:
		a = host.Answer{Failure: host.Unreachable}
	}
	w.guards[worker].Done(p, w.now.UnixNano(), e, &a)
}

// fail makes so many calls that fail, one after the other.
func (w *world) fail(t testing.TB, worker, calls int) {
	t.Helper()
	for range calls {
		w.done(worker, w.mustAdmit(t, worker), Failed)
	}
}

func (w *world) pass(d time.Duration) { w.now = w.now.Add(d) }

func circuitOpen(seconds int) denial.Denial {
	return denial.Denial{Reason: denial.IntrospectionCircuitOpen, RetryAfterSeconds: seconds}
}

func full() denial.Denial {
	return denial.Denial{Reason: denial.IntrospectionOverloaded, RetryAfterSeconds: 1}
}

func held(seconds int) denial.Denial {
	return denial.Denial{Reason: denial.IntrospectionRateLimited, RetryAfterSeconds: seconds}
}

const breakerGauge = "sallyport_introspection_breaker.sp_cluster=okta|"
