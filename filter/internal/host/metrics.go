package host

// Metrics is the host's port for metrics. A name is used for one kind only, and
// nothing of a request may be in it: hosts keep what was ever named.
type Metrics interface {
	// Count adds one to a counter.
	Count(metric string)
	// Add adds n, above 0, to a counter, for what was counted elsewhere first.
	Add(metric string, n int64)
	// Gauge sets what holds now, one value for all VMs of the host; it is at
	// least 0.
	Gauge(metric string, value int64)
	// Observe puts one value, at least 0, into a histogram.
	Observe(metric string, value int64)
}

// NoMetrics drops everything.
type NoMetrics struct{}

// Count does nothing.
func (NoMetrics) Count(string) {}

// Add does nothing.
func (NoMetrics) Add(string, int64) {}

// Gauge does nothing.
func (NoMetrics) Gauge(string, int64) {}

// Observe does nothing.
func (NoMetrics) Observe(string, int64) {}

var _ Metrics = NoMetrics{}
