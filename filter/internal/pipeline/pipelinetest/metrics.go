package pipelinetest

// Named is a metric that was looked up, of a host that knows metrics by name.
type Named struct {
	Host interface {
		Add(metric string, n int64)
		Observe(metric string, value int64)
	}
	Name string
}

// Add adds to the counter.
func (m Named) Add(n int64) { m.Host.Add(m.Name, n) }

// Observe puts a value into the histogram.
func (m Named) Observe(value int64) { m.Host.Observe(m.Name, value) }
