package hostsim

import (
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/simclock"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// Names of other packages that nearly every test needs.
type (
	// Header is one name and value, and Headers an ordered list in which a name may occur more than once.
	Header  = abi.Header
	Headers = abi.Headers
	// Call is a request that the guest dispatched, or one that reached the backend. A Cluster answers it with an Answer.
	Call        = upstream.Call
	Answer      = upstream.Answer
	Cluster     = upstream.Cluster
	ClusterFunc = upstream.ClusterFunc
)

// What a guest leaves behind.
type (
	// LogLine is one line of a Host's log.
	LogLine = envoy.LogLine
	// Metric is one metric of a Process.
	Metric = wasmhost.Metric
	// TraceEntry is one hostcall or callback: see WithTrace.
	TraceEntry = wasmhost.TraceEntry
)

// How Envoy is set up.
type (
	// ConnectionManager has the settings of Envoy's HTTP connection manager, its listener and its route that a guest or
	// client can observe.
	ConnectionManager = envoy.ConnectionManager
	// StreamInfo is what the connection of a Request knows, and TLSInfo what it knows of TLS.
	StreamInfo = envoy.StreamInfo
	TLSInfo    = envoy.TLSInfo
	// FailurePolicy is what happens to new streams when the plugin's VM on their worker has crashed.
	FailurePolicy = envoy.FailurePolicy
)

// The policies. FailClosed, the zero value, is what Envoy does when nothing is configured.
const (
	FailClosed = envoy.FailClosed // 503 until the configuration changes
	FailOpen   = envoy.FailOpen   // streams pass without the plugin
	FailReload = envoy.FailReload // 503 until the backoff is over, then a new VM
	// FailOpenAlways is the older switch fail_open: true. Unlike FailOpen it also lets those streams pass that were there
	// when the VM crashed.
	FailOpenAlways = envoy.FailOpenAlways
)

// What keeps a Host from starting.
type (
	// LoadError says why Envoy would not load a module, in Envoy's words where it has any.
	LoadError = wasmhost.LoadError
	// ConfigError says that the plugin refused to start, and what was logged until then.
	ConfigError = envoy.ConfigError
)

// Time of a Process and of every guest in it: a *FakeClock or RealClock.
type (
	Clock = simclock.Clock
	// FakeClock stands still until Advance moves it.
	FakeClock = simclock.FakeClock
)

// DefaultStart is where a FakeClock starts when it is made by New.
var DefaultStart = simclock.DefaultStart

// NewFakeClock makes a clock that starts at start.
func NewFakeClock(start time.Time) *FakeClock { return simclock.NewFakeClock(start) }

// RealClock is the machine's own clock. A Process on it runs ticks and timeouts by itself.
func RealClock() Clock { return simclock.RealClock() }

// Respond is a fixed answer: a status, a body, and header names and values in turn.
func Respond(status int, body string, headers ...string) Answer {
	return upstream.Respond(status, body, headers...)
}

// RespondGRPC is a fixed answer to a gRPC call: messages and then a status.
func RespondGRPC(status int, message string, messages ...string) Answer {
	return upstream.RespondGRPC(status, message, messages...)
}

// Fail is a fixed answer that fails.
func Fail(f upstream.Fault) Answer { return upstream.Fail(f) }
