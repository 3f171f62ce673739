package host

// Metrics is the host's port for metrics. A name is used for one kind only, and
// may contain nothing from a request: hosts keep every name forever. What is
// counted is reported to the host a little later.
type Metrics interface {
	// Count adds one to a counter.
	Count(metric string)
	// Add adds n, above 0, to a counter, for what was counted elsewhere first.
	Add(metric string, n int64)
	// Gauge sets the current value, one for all VMs of the host; it is at least
	// 0.
	Gauge(metric string, value int64)
	// Observe puts one value, at least 0, into a histogram.
	Observe(metric string, value int64)

	// Counter and Histogram look a metric up once, for what every request
	// counts. The host does not know the metric until it is used.
	Counter(metric string) Counter
	Histogram(metric string) Histogram
}

// Counter is a counter that was looked up.
type Counter interface {
	// Add adds n, above 0.
	Add(n int64)
}

// Histogram is a histogram that was looked up.
type Histogram interface {
	// Observe puts one value, at least 0, into it.
	Observe(value int64)
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

// Counter gives one that does nothing.
func (NoMetrics) Counter(string) Counter { return nothing{} }

// Histogram gives one that does nothing.
func (NoMetrics) Histogram(string) Histogram { return nothing{} }

type nothing struct{}

func (nothing) Add(int64)     {}
func (nothing) Observe(int64) {}

var _ Metrics = NoMetrics{}
