// Package metrics keeps what a VM counts until it is reported to the host. A
// counter costs a request an addition; the sums are reported at each tick, and
// when the configuration or the VM ends. A VM that is killed loses what it
// counted since its last tick. Gauges and histograms go to the host at once.
package metrics

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

// Kind is a kind of metric.
type Kind uint8

// The kinds.
const (
	Counter Kind = iota
	Gauge
	Histogram
)

// Host is what a ledger needs from the proxy.
type Host interface {
	// DefineMetric defines a metric, or finds it again; ok is false when the host
	// refuses.
	DefineMetric(kind Kind, name string) (id uint32, ok bool)
	// AddMetric adds n to a counter.
	AddMetric(id uint32, n int64)
	// RecordMetric sets a gauge, or puts a value into a histogram.
	RecordMetric(id uint32, value int64)
}

// Ledger is all metrics of one plugin instance in one VM: host.Metrics over a
// host. It is not safe for concurrent use: a VM is one thread.
type Ledger struct {
	host   Host
	byName map[string]*Metric
	due    []*Metric // counters with something to report
	closed bool
}

var _ host.Metrics = (*Ledger)(nil)

// New makes an empty ledger; a metric is defined at the host when it is first
// used.
func New(h Host) *Ledger { return &Ledger{host: h, byName: map[string]*Metric{}} }

// Metric is one metric: host.Counter and host.Histogram.
type Metric struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	ledger  *Ledger
	name    string
	kind    Kind
	defined bool
	due     bool
	id      uint32
	sum     int64 // not reported to the host yet
}

// Add adds to a counter.
func (m *Metric) Add(n int64) {
	m.sum += n
	if !m.due {
		m.due = true
		m.ledger.due = append(m.ledger.due, m)
	}
	if m.ledger.closed {
		m.ledger.Report()
	}
}

// Observe reports a gauge's or a histogram's value to the host. A metric that
// the host refuses to define is tried again with the next value.
func (m *Metric) Observe(value int64) {
	if m.define() {
		m.ledger.host.RecordMetric(m.id, value)
	}
}

//go:noinline
func (m *Metric) define() bool {
	if !m.defined {
		m.id, m.defined = m.ledger.host.DefineMetric(m.kind, m.name)
	}
	return m.defined
}

// Report reports to the host what was counted since the last report. What
// cannot be reported now, because the host refused or something panicked, comes
// with the next report.
func (l *Ledger) Report() {
	var refused []*Metric
	for len(l.due) > 0 {
		m := l.due[len(l.due)-1]
		if !m.define() {
			refused = append(refused, m)
		} else {
			l.host.AddMetric(m.id, m.sum)
			m.sum, m.due = 0, false
		}
		l.due = l.due[:len(l.due)-1]
	}
	l.due = append(l.due, refused...)
}

// Close reports, and from then on whatever is counted is reported at once:
// there are no more ticks.
func (l *Ledger) Close() {
	l.closed = true
	l.Report()
}

// metric is not inlined, since that would be six copies; neither is define.
//
//go:noinline
func (l *Ledger) metric(kind Kind, name string) *Metric {
	m, ok := l.byName[name]
	if !ok {
		m = &Metric{ledger: l, name: name, kind: kind}
		l.byName[name] = m
	}
	return m
}

// Counter implements host.Metrics.
func (l *Ledger) Counter(name string) host.Counter { return l.metric(Counter, name) }

// Histogram implements host.Metrics.
func (l *Ledger) Histogram(name string) host.Histogram { return l.metric(Histogram, name) }

// Count implements host.Metrics.
func (l *Ledger) Count(name string) { l.metric(Counter, name).Add(1) }

// Add implements host.Metrics.
func (l *Ledger) Add(name string, n int64) { l.metric(Counter, name).Add(n) }

// Gauge implements host.Metrics.
func (l *Ledger) Gauge(name string, value int64) { l.metric(Gauge, name).Observe(value) }

// Observe implements host.Metrics.
func (l *Ledger) Observe(name string, value int64) { l.metric(Histogram, name).Observe(value) }
