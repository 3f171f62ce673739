package metrics

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// board is a host's metrics.
type board struct {
	names   []string
	refuses map[string]bool // to define
	values  map[string][]int64
	calls   int
	broken  func() // may panic
}

func newBoard() *board {
	return &board{refuses: map[string]bool{}, values: map[string][]int64{}, broken: func() {}}
}

func (b *board) DefineMetric(_ Kind, name string) (uint32, bool) {
	b.calls++
	if b.refuses[name] {
		return 0, false
	}
	b.names = append(b.names, name)
	return uint32(len(b.names) - 1), true
}

func (b *board) AddMetric(id uint32, n int64) {
	b.broken()
	b.calls++
	b.values[b.names[id]] = append(b.values[b.names[id]], n)
}

func (b *board) RecordMetric(id uint32, v int64) { b.AddMetric(id, v) }

func (b *board) want(t *testing.T, want map[string][]int64) {
	t.Helper()
	if diff := cmp.Diff(want, b.values); diff != "" {
		t.Errorf("the host was told (-want +got):\n%s", diff)
	}
}

func TestCountersAreSummedUntilTheReport(t *testing.T) {
	b := newBoard()
	l := New(b)
	often, named := l.Counter("often"), l.Counter("named")
	for range 1000 {
		often.Add(1)
	}
	l.Count("named")
	l.Add("named", 4)
	named.Add(2)
	l.Counter("never")
	if b.calls != 0 {
		t.Errorf("%d calls before the report", b.calls)
	}
	l.Report()
	l.Report()
	b.want(t, map[string][]int64{"often": {1000}, "named": {7}})
	often.Add(5)
	l.Report()
	b.want(t, map[string][]int64{"often": {1000, 5}, "named": {7}})
	if b.calls != 2+3 {
		t.Errorf("%d calls, want a definition of each and three sums", b.calls)
	}
}

func TestValuesAreToldAtOnce(t *testing.T) {
	b := newBoard()
	l := New(b)
	latency := l.Histogram("latency")
	latency.Observe(3)
	latency.Observe(4)
	l.Observe("latency", 5)
	l.Gauge("level", 1)
	l.Gauge("level", 0)
	b.want(t, map[string][]int64{"latency": {3, 4, 5}, "level": {1, 0}})
}

func TestAClosedLedgerReportsAtOnce(t *testing.T) {
	b := newBoard()
	l := New(b)
	l.Count("calls")
	l.Close()
	b.want(t, map[string][]int64{"calls": {1}})
	l.Count("calls")
	l.Count("calls")
	b.want(t, map[string][]int64{"calls": {1, 1, 1}})
}

func TestNothingIsLostByAHostThatRefuses(t *testing.T) {
	b := newBoard()
	l := New(b)
	b.refuses["a"] = true
	l.Count("a")
	l.Count("b")
	l.Report()
	b.want(t, map[string][]int64{"b": {1}})
	l.Count("a")
	b.refuses["a"] = false
	l.Report()
	b.want(t, map[string][]int64{"a": {2}, "b": {1}})
}

func TestNothingIsLostByAPanic(t *testing.T) {
	b := newBoard()
	l := New(b)
	for _, name := range []string{"a", "b", "c"} {
		l.Count(name)
	}
	b.broken = func() {
		if b.calls == 3 { // in the middle: a definition and a sum of one, the definition of the next
			b.broken = func() {}
			panic("a host that fails")
		}
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		l.Report()
	}()
	l.Count("a")
	l.Report()
	b.want(t, map[string][]int64{"a": {2}, "b": {1}, "c": {1}})
}
