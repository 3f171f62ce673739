package abi

// MetricType is counter, gauge or histogram.
type MetricType uint32

// The types, as the guest numbers them.
const (
	Counter MetricType = iota
	Gauge
	Histogram
)
