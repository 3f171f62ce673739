package wasmhost

import (
	"sync"
	"sync/atomic"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// Metric is one metric of the process. Two VMs that define the same name and type share it.
type Metric struct {
	Name string
	Type abi.MetricType
	// Value is a counter's or a gauge's; for a histogram the sum of its samples.
	Value uint64
	// Samples is the number of samples of a histogram.
	Samples uint64
}

// metricTable has the process's metrics by name and type. Source: Envoy context.cc defineMetric and what follows it.
type metricTable struct {
	mu    sync.Mutex
	stats map[metricName]*stat
	order []*stat
}

type metricName struct {
	kind abi.MetricType
	name string
}

type stat struct {
	metricName
	value, samples atomic.Uint64
}

func newMetricTable() *metricTable { return &metricTable{stats: map[metricName]*stat{}} }

func (m *metricTable) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.stats)
	m.order = nil
}

func (m *metricTable) define(kind abi.MetricType, name string) *stat {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := metricName{kind, name}
	s, ok := m.stats[key]
	if !ok {
		s = &stat{metricName: key}
		m.stats[key] = s
		m.order = append(m.order, s)
	}
	return s
}

// increment: a counter takes only offsets above 0, a gauge any, a histogram none.
func (s *stat) increment(offset int64) abi.Status {
	switch {
	case s.kind == abi.Histogram, s.kind == abi.Counter && offset <= 0:
		return abi.StatusBadArgument
	}
	s.value.Add(uint64(offset))
	return abi.StatusOK
}

// record: a counter adds, a gauge is set, a histogram takes a sample.
func (s *stat) record(value uint64) abi.Status {
	switch s.kind {
	case abi.Gauge:
		s.value.Store(value)
	case abi.Histogram:
		s.samples.Add(1)
		s.value.Add(value)
	default:
		s.value.Add(value)
	}
	return abi.StatusOK
}

// Metrics are all metrics that guests defined, in the order of their first definition, by the guest's own names. Envoy
// shows them with "wasmcustom." before the name.
func (m *Machine) Metrics() []Metric {
	m.metrics.mu.Lock()
	defer m.metrics.mu.Unlock()
	out := make([]Metric, len(m.metrics.order))
	for i, s := range m.metrics.order {
		out[i] = Metric{Name: s.name, Type: s.kind, Value: s.value.Load(), Samples: s.samples.Load()}
	}
	return out
}

// Metric is the value of the counter or gauge with that name, 0 when there is none.
func (m *Machine) Metric(name string) uint64 {
	for _, known := range m.Metrics() {
		if known.Name == name && known.Type != abi.Histogram {
			return known.Value
		}
	}
	return 0
}
