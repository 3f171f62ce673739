// Package abi is proxy-wasm ABI 0.2.1 for the standard Go compiler: it exports
// the callbacks that the filter needs, recovers a panic in each of them, since a
// trap would take every stream of the VM with it, and makes the hostcalls.
//
// Callouts belong to the root context, so that an answer still arrives when the
// stream that asked is gone; header pairs are bounds-checked. Natively all
// hostcalls answer Unimplemented.
package abi

// Status is what a hostcall returns (proxy-wasm ABI 0.2.1, proxy_status_t).
type Status uint32

// The statuses that the filter tells apart.
const (
	OK              Status = 0
	NotFound        Status = 1
	BadArgument     Status = 2
	CASMismatch     Status = 8
	InternalFailure Status = 10
	Unimplemented   Status = 12
)

// MapType names a header map (proxy_map_type_t).
type MapType uint32

// The header maps that the filter reads.
const (
	RequestHeaders      MapType = 0
	RequestTrailers     MapType = 1
	ResponseHeaders     MapType = 2
	CallResponseHeaders MapType = 6
)

// MetricType is a kind of metric (proxy_metric_type_t).
type MetricType uint32

// The kinds of metrics.
const (
	Counter MetricType = iota
	Gauge
	Histogram
)

// Level is a log level (proxy_log_level_t).
type Level uint32

// The log levels that the filter uses.
const (
	Info  Level = 2
	Warn  Level = 3
	Error Level = 4
)
