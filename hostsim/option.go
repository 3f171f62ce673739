package hostsim

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
)

// FailurePolicy is what happens to new streams when the plugin's VM on their worker has crashed.
type FailurePolicy int

// The policies. FailClosed, the zero value, is what Envoy does when nothing is configured.
const (
	FailClosed FailurePolicy = iota // 503 until the configuration changes
	FailOpen                        // streams pass without the plugin
	FailReload                      // 503 until the backoff is over, then a new VM
	// FailOpenAlways is the older switch fail_open: true. Unlike FailOpen it lets also those streams pass that were
	// there when the VM crashed.
	FailOpenAlways
)

// Bounds and defaults, all Envoy's own.
const (
	defaultReloadBackoff     = time.Second
	defaultStreamIdleTimeout = 5 * time.Minute
	defaultRouteTimeout      = 15 * time.Second
	defaultBufferLimit       = 1 << 20
	// asyncResponseLimit is http.async_response_buffer_limit.
	asyncResponseLimit = 32 << 20
	// maxMemoryPages is the 1 GiB that a VM may grow to.
	maxMemoryPages = 1 << 30 / pageSize
	maxWorkers     = 64
)

// Option configures a Process, a Host, or with New both.
type Option func(*config)

type config struct {
	process processConfig
	host    hostConfig
	// processOptions names the options that touched process, for NewHost to refuse.
	processOptions []string
	errs           []error
}

type processConfig struct {
	profile  string
	workers  int
	clock    Clock
	seed     uint64
	seeded   bool
	clusters map[string]Cluster
	node     map[string]string
}

type hostConfig struct {
	name, rootID, vmID  string
	pluginConfig        []byte
	vmConfig            []byte
	env                 map[string]string
	policy              FailurePolicy
	backoff             time.Duration
	allowStopIteration  bool
	upstream            Cluster
	directResponse      *Answer // nil: the route leads to upstream
	logLevel            Level
	sinks               []func(LogLine)
	trace               bool
	envoyTrace          func(thread int, line string)
	connManager         ConnectionManager
	cacheDir            string
	properties          map[string]any
	foreign             map[string]ForeignFunction
	bufferLimit         int
	memoryLimit         int
	localAddress        string
	defaultSourceIPPort string
}

// ConnectionManager has the settings of Envoy's HTTP connection manager that a guest or client can observe.
type ConnectionManager struct {
	// UseRemoteAddress and XFFTrustedHops decide source.address and x-forwarded-for, as in Envoy. With the zero
	// value, Envoy's default, the client chooses source.address by X-Forwarded-For.
	UseRemoteAddress bool
	XFFTrustedHops   int
	// StreamIdleTimeout ends a stream without activity; 0 means Envoy's 5 minutes, negative none.
	StreamIdleTimeout time.Duration
	// RequestTimeout bounds the time until a request's end has passed the plugin, or the plugin was asked about its last
	// piece of body; 0 means none. One that is held at its headers, or trailers, is answered with 504 when it has arrived
	// whole, and with 408 when it has not.
	RequestTimeout time.Duration
	// RouteTimeout bounds the backend's answer; 0 means Envoy's 15 seconds, negative none.
	RouteTimeout time.Duration
	// NoRequestID is generate_request_id: false. A client's own x-request-id stays.
	NoRequestID bool
	// SuppressEnvoyHeaders is the router's suppress_envoy_headers: no x-envoy-upstream-service-time and no
	// x-envoy-expected-rq-timeout-ms.
	SuppressEnvoyHeaders bool
}

// ForeignFunction answers proxy_call_foreign_function for one name.
type ForeignFunction func(argument []byte) (result []byte, status Status)

func newConfig(opts []Option) (*config, error) {
	c := &config{
		process: processConfig{profile: DefaultProfile, workers: 1, clusters: map[string]Cluster{}},
		host: hostConfig{
			name: "plugin", upstream: Respond(200, "backend\n", "content-type", "text/plain"), logLevel: LevelInfo,
			env: map[string]string{}, properties: map[string]any{}, foreign: map[string]ForeignFunction{},
			bufferLimit: defaultBufferLimit, localAddress: "127.0.0.1:10000", defaultSourceIPPort: "127.0.0.1:40000",
			backoff: defaultReloadBackoff,
		},
	}
	for _, o := range opts {
		o(c)
	}
	if c.process.clock == nil {
		c.process.clock = NewFakeClock(DefaultStart)
	}
	if _, err := findProfile(c.process.profile); err != nil {
		c.errs = append(c.errs, err)
	}
	if c.process.workers < 1 || c.process.workers > maxWorkers {
		c.errs = append(c.errs, fmt.Errorf("%d workers: want 1 to %d", c.process.workers, maxWorkers))
	}
	return c, errors.Join(c.errs...)
}

func processOption(name string, f func(*processConfig)) Option {
	return func(c *config) {
		c.processOptions = append(c.processOptions, name)
		f(&c.process)
	}
}

func hostOption(f func(*hostConfig)) Option { return func(c *config) { f(&c.host) } }

// WithProfile chooses the Envoy version to imitate, such as "1.38". Process.
func WithProfile(name string) Option {
	return processOption("WithProfile", func(c *processConfig) { c.profile = name })
}

// WithWorkers sets the number of worker threads, 1 unless given. Every plugin has one VM more, on the main thread. Process.
func WithWorkers(n int) Option {
	return processOption("WithWorkers", func(c *processConfig) { c.workers = n })
}

// WithClock sets the clock; without it a FakeClock starts at DefaultStart. Process.
func WithClock(clock Clock) Option {
	return processOption("WithClock", func(c *processConfig) { c.clock = clock })
}

// WithSeed seeds the guests' random source and the reload jitter. Without it they are seeded with 0 on a fake clock and
// from the machine's entropy on the real one. On a fake clock it also decides what Envoy leaves open: which thread is
// first when several have work at the same instant, and in which order workers take a configuration. The same seed gives
// the same run, another seed another, as long as the test itself does one thing after the other (Start, Advance and
// Wait): exchanges that several goroutines Do compete by Go's scheduling. Process.
func WithSeed(seed uint64) Option {
	return processOption("WithSeed", func(c *processConfig) { c.seed, c.seeded = seed, true })
}

// WithCluster defines a cluster that guests may call. Process.
func WithCluster(name string, cluster Cluster) Option {
	return processOption("WithCluster", func(c *processConfig) { c.clusters[name] = cluster })
}

// WithNode sets fields of the property xds.node, such as "id" and "cluster". Process.
func WithNode(fields map[string]string) Option {
	return processOption("WithNode", func(c *processConfig) { c.node = maps.Clone(fields) })
}

// WithName sets the plugin's name, "plugin" unless given.
func WithName(name string) Option { return hostOption(func(c *hostConfig) { c.name = name }) }

// WithConfig sets the plugin configuration, as the bytes that the guest reads.
func WithConfig(config []byte) Option {
	return hostOption(func(c *hostConfig) { c.pluginConfig = append([]byte(nil), config...) })
}

// WithVMConfig sets the VM configuration. It is part of the VM's identity.
func WithVMConfig(config []byte) Option {
	return hostOption(func(c *hostConfig) { c.vmConfig = append([]byte(nil), config...) })
}

// WithEnv sets the VM's environment. The guest sees no other variable.
func WithEnv(env map[string]string) Option {
	return func(c *config) {
		c.host.env = maps.Clone(env)
		for name := range env {
			if name == "" || strings.ContainsAny(name, "=\x00") {
				c.errs = append(c.errs, fmt.Errorf("environment variable name %q: must not be empty or hold = or NUL", name))
			}
		}
	}
}

// WithRootID sets the plugin's root id, empty unless given.
func WithRootID(id string) Option { return hostOption(func(c *hostConfig) { c.rootID = id }) }

// WithVMID sets the vm_id: the namespace of shared data and queues.
func WithVMID(id string) Option { return hostOption(func(c *hostConfig) { c.vmID = id }) }

// WithUpstream sets the backend that Host.Do forwards to; 200 "backend\n" unless given.
func WithUpstream(backend Cluster) Option {
	return hostOption(func(c *hostConfig) { c.upstream = backend })
}

// WithDirectResponse has the route answer by itself, as Envoy's direct_response does, without any backend.
func WithDirectResponse(status int, body string) Option {
	return hostOption(func(c *hostConfig) { c.directResponse = &Answer{Status: status, Body: []byte(body)} })
}

// WithLog adds a receiver of each log line. It is called on the thread that logs and must not call into the Host.
func WithLog(sink func(LogLine)) Option {
	return hostOption(func(c *hostConfig) { c.sinks = append(c.sinks, sink) })
}

// WithLogLevel sets what proxy_get_log_level answers; info unless given. Host.Log keeps lines of every level.
func WithLogLevel(level Level) Option { return hostOption(func(c *hostConfig) { c.logLevel = level }) }

// WithTrace records every hostcall and callback: see Host.Trace.
func WithTrace() Option { return hostOption(func(c *hostConfig) { c.trace = true }) }

// WithFailurePolicy sets what follows a crash; FailClosed unless given.
func WithFailurePolicy(p FailurePolicy) Option {
	return hostOption(func(c *hostConfig) { c.policy = p })
}

// WithReloadBackoff sets the base interval of FailReload, 1 s unless given; each wait is 1 to 1.5 times as long.
func WithReloadBackoff(base time.Duration) Option {
	return hostOption(func(c *hostConfig) { c.backoff = base })
}

// WithAllowOnHeadersStopIteration is Envoy's allow_on_headers_stop_iteration: Pause from on_request_headers no longer
// holds back the body callbacks. It turns filters that do not pause there too into open doors.
func WithAllowOnHeadersStopIteration() Option {
	return hostOption(func(c *hostConfig) { c.allowStopIteration = true })
}

// WithConnectionManager sets the observable settings of the HTTP connection manager.
func WithConnectionManager(m ConnectionManager) Option {
	return hostOption(func(c *hostConfig) { c.connManager = m })
}

// WithCacheDir keeps compiled code in a folder, so that the next process starts in milliseconds. Only for New: with a
// Module of your own, give it to Compile.
func WithCacheDir(dir string) Option { return hostOption(func(c *hostConfig) { c.cacheDir = dir }) }

// WithProperty sets a property for every stream, by its path with dots between the parts, such as
// "xds.route_metadata.filter_metadata.ns.key" or "connection.tls_version". It wins over what the host would answer.
// The value is a string, []byte, bool, int64, uint64, float64, time.Time, time.Duration or Headers.
func WithProperty(path string, value any) Option {
	return func(c *config) {
		if _, err := propertyOf(value); err != nil {
			c.errs = append(c.errs, fmt.Errorf("property %s: %w", path, err))
		}
		c.host.properties[path] = value
	}
}

// WithForeignFunction adds a function for proxy_call_foreign_function. A name that is unknown answers NotFound.
func WithForeignFunction(name string, f ForeignFunction) Option {
	return hostOption(func(c *hostConfig) { c.foreign[name] = f })
}

// WithMemoryLimit bounds the guest's memory from its start: see Host.SetMemoryLimit. A module that begins with more is
// not loaded.
func WithMemoryLimit(bytes int) Option {
	return hostOption(func(c *hostConfig) { c.memoryLimit = bytes })
}

// WithBufferLimit is the listener's per_connection_buffer_limit_bytes, 1 MiB unless given: a body that the guest holds
// back beyond it ends in 413 or 500.
func WithBufferLimit(bytes int) Option {
	return hostOption(func(c *hostConfig) { c.bufferLimit = bytes })
}
