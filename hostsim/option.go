package hostsim

import (
	"maps"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// Option is what New takes: a ProcessOption or a HostOption.
type Option interface{ apply(*config) }

// ProcessOption configures a Process, and HostOption one Host in it. NewProcess and Process.NewHost each take only
// their own kind.
type (
	ProcessOption func(*envoy.ProcessConfig)
	HostOption    func(*hostOptions)
)

func (o ProcessOption) apply(c *config) { o(&c.process) }
func (o HostOption) apply(c *config)    { o(&c.host) }

// config is what the options of New fill in.
type config struct {
	process envoy.ProcessConfig
	host    hostOptions
}

type hostOptions struct {
	envoy.Config
	upstream upstream.Cluster
}

func newHostOptions() hostOptions {
	return hostOptions{Config: envoy.NewConfig(), upstream: upstream.Respond(200, "backend\n", "content-type", "text/plain")}
}

// WithProfile chooses the Envoy version to imitate, such as "1.38".
func WithProfile(name string) ProcessOption {
	return func(c *envoy.ProcessConfig) { c.Profile = name }
}

// WithWorkers sets the number of worker threads, 1 unless given. Every plugin has one VM more, on the main thread.
func WithWorkers(n int) ProcessOption {
	return func(c *envoy.ProcessConfig) { c.Workers = n }
}

// WithClock sets the clock; without it a FakeClock starts at DefaultStart.
func WithClock(clock Clock) ProcessOption {
	return func(c *envoy.ProcessConfig) { c.Clock = clock }
}

// WithSeed seeds the guests' random source and the reload jitter. Without it they are seeded with 0 on a fake clock and
// from the machine's entropy on the real one. On a fake clock it also decides what Envoy leaves open: which thread is
// first when several have work at the same instant, and in which order workers take a configuration. The same seed gives
// the same run, another seed another, as long as the test itself does one thing after the other (Start, Advance and
// Wait): exchanges that several goroutines Do compete by Go's scheduling.
func WithSeed(seed uint64) ProcessOption {
	return func(c *envoy.ProcessConfig) { c.Seed, c.Seeded = seed, true }
}

// WithCluster defines a cluster that guests may call.
func WithCluster(name string, cluster upstream.Cluster) ProcessOption {
	return func(c *envoy.ProcessConfig) { c.Clusters[name] = cluster }
}

// WithNode sets fields of the property xds.node, such as "id" and "cluster".
func WithNode(fields map[string]string) ProcessOption {
	return func(c *envoy.ProcessConfig) { c.Node = maps.Clone(fields) }
}

// WithName sets the plugin's name, "plugin" unless given.
func WithName(name string) HostOption { return func(c *hostOptions) { c.Name = name } }

// WithConfig sets the plugin configuration, as the bytes that the guest reads.
func WithConfig(config []byte) HostOption {
	return func(c *hostOptions) { c.PluginConfig = append([]byte(nil), config...) }
}

// WithVMConfig sets the VM configuration. It is part of the VM's identity.
func WithVMConfig(config []byte) HostOption {
	return func(c *hostOptions) { c.VMConfig = append([]byte(nil), config...) }
}

// WithEnv sets the VM's environment. The guest sees no other variable.
func WithEnv(env map[string]string) HostOption {
	return func(c *hostOptions) { c.Env = maps.Clone(env) }
}

// WithRootID sets the plugin's root id, empty unless given.
func WithRootID(id string) HostOption { return func(c *hostOptions) { c.RootID = id } }

// WithVMID sets the vm_id: the namespace of shared data and queues.
func WithVMID(id string) HostOption { return func(c *hostOptions) { c.VMID = id } }

// WithUpstream sets the backend that Host.Do forwards to; 200 "backend\n" unless given.
func WithUpstream(backend upstream.Cluster) HostOption {
	return func(c *hostOptions) { c.upstream = backend }
}

// WithLog adds a receiver of each log line. It is called on the thread that logs and must not call into the Host.
func WithLog(sink func(LogLine)) HostOption {
	return func(c *hostOptions) { c.Sinks = append(c.Sinks, sink) }
}

// WithLogLevel sets what proxy_get_log_level answers; info unless given. Host.Log keeps lines of every level.
func WithLogLevel(level abi.Level) HostOption { return func(c *hostOptions) { c.LogLevel = level } }

// WithTrace records every hostcall and callback: see Host.Trace.
func WithTrace() HostOption { return func(c *hostOptions) { c.Trace = true } }

// WithHostcalls calls intercept before every hostcall of the guest, WASI left out, from its start on. When intercept
// takes a call, the host does not make it: the guest gets the status and, with StatusOK, the data, if the function is
// one that returns bytes. So a test can see how a guest copes with a hostcall that fails or answers something else.
// call has the name and the arguments, and no result. It runs on the thread of the call, on several at a time, and must
// not call into the Host:
//
//	hostsim.WithHostcalls(func(call hostsim.TraceEntry) (abi.Status, []byte, bool) {
//		return abi.StatusNotFound, nil, call.Name == "proxy_get_property"
//	})
func WithHostcalls(intercept func(call TraceEntry) (status abi.Status, data []byte, taken bool)) HostOption {
	return func(c *hostOptions) { c.Intercept = intercept }
}

// WithEnvoyTrace reports each crossing between host and guest in the words of Envoy's own
// `--component-log-level wasm:trace`, so that the two can be compared line by line. That includes WASI, start functions
// and the allocator, which Host.Trace leaves out. Thread is 0 for the main thread, else the worker's number. The lines
// hold numbers only, never what the guest sends or is sent:
//
//	[host->vm] proxy_on_request_headers(2, 8, 1)
//	[vm->host] env.proxy_get_header_map_value(0, 1114144, 6, 1048448, 1048452)
//	[host->vm] proxy_on_memory_allocate(4)
//	[host<-vm] proxy_on_memory_allocate return: 1114160
//	[vm<-host] env.proxy_get_header_map_value return: 0
//	[host<-vm] proxy_on_request_headers return: 0
//
// A call that traps has no "return". The receiver is called on the thread of the call, on several at a time, and must not
// call into the Host. Source: proxy-wasm-cpp-host src/v8/v8.cc.
func WithEnvoyTrace(receive func(thread int, line string)) HostOption {
	return func(c *hostOptions) { c.EnvoyTrace = receive }
}

// WithFailurePolicy sets what follows a crash; FailClosed unless given.
func WithFailurePolicy(p FailurePolicy) HostOption {
	return func(c *hostOptions) { c.Policy = p }
}

// WithReloadBackoff sets the base interval of FailReload, 1 s unless given; each wait is 1 to 1.5 times as long.
func WithReloadBackoff(base time.Duration) HostOption {
	return func(c *hostOptions) { c.Backoff = base }
}

// WithAllowOnHeadersStopIteration is Envoy's allow_on_headers_stop_iteration: Pause from on_request_headers no longer
// holds back the body callbacks. It opens the door wide in any filter that does not pause there too.
func WithAllowOnHeadersStopIteration() HostOption {
	return func(c *hostOptions) { c.AllowStopIteration = true }
}

// WithConnectionManager sets what can be observed of the HTTP connection manager, its listener and its route. An earlier
// WithBufferLimit or WithDirectResponse stays in force where m does not set its own.
func WithConnectionManager(m ConnectionManager) HostOption {
	return func(c *hostOptions) {
		m := m
		if m.BufferLimit == 0 {
			m.BufferLimit = c.ConnManager.BufferLimit
		}
		if m.DirectResponse == nil {
			m.DirectResponse = c.ConnManager.DirectResponse
		}
		c.ConnManager = m
	}
}

// WithBufferLimit is ConnectionManager.BufferLimit alone.
func WithBufferLimit(bytes int) HostOption {
	return func(c *hostOptions) { c.ConnManager.BufferLimit = bytes }
}

// WithDirectResponse is ConnectionManager.DirectResponse alone.
func WithDirectResponse(status int, body string) HostOption {
	return func(c *hostOptions) { c.ConnManager.DirectResponse = &Answer{Status: status, Body: []byte(body)} }
}

// WithProperty sets a property for every stream, by its path with dots between the parts, such as
// "xds.route_metadata.filter_metadata.ns.key" or "connection.tls_version". It wins over what the host would answer.
// The value is a string, []byte, bool, int64, uint64, float64, time.Time, time.Duration or abi.Headers.
func WithProperty(path string, value any) HostOption {
	return func(c *hostOptions) { c.Properties[path] = value }
}

// WithForeignFunction adds a function for proxy_call_foreign_function. Calling an unknown name answers NotFound.
func WithForeignFunction(name string, f envoy.ForeignFunction) HostOption {
	return func(c *hostOptions) { c.Foreign[name] = f }
}

// WithMemoryLimit bounds the guest's memory from its start: see Host.SetMemoryLimit. A module that begins with more is
// not loaded.
func WithMemoryLimit(bytes int) HostOption {
	return func(c *hostOptions) { c.MemoryLimit = bytes }
}
