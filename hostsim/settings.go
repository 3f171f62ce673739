package hostsim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
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
	maxWorkers         = 64
)

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
	directResponse      *Answer // nil: the route leads to upstream
	logLevel            Level
	sinks               []func(LogLine)
	trace               bool
	envoyTrace          func(thread int, line string)
	connManager         ConnectionManager
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

// newListenerConfig has the defaults.
func newListenerConfig() hostConfig {
	return hostConfig{
		name: "plugin", logLevel: LevelInfo,
		env: map[string]string{}, properties: map[string]any{}, foreign: map[string]ForeignFunction{},
		bufferLimit: defaultBufferLimit, localAddress: "127.0.0.1:10000", defaultSourceIPPort: "127.0.0.1:40000",
		backoff: defaultReloadBackoff,
	}
}

func (c *hostConfig) check() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.env)) {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			errs = append(errs, fmt.Errorf("environment variable name %q: must not be empty or hold = or NUL", name))
		}
	}
	return errors.Join(append(errs, checkProperties(c.properties))...)
}

func checkProperties(properties map[string]any) error {
	var errs []error
	for _, path := range slices.Sorted(maps.Keys(properties)) {
		if _, err := propertyOf(properties[path]); err != nil {
			errs = append(errs, fmt.Errorf("property %s: %w", path, err))
		}
	}
	return errors.Join(errs...)
}

func newProcessConfig() processConfig {
	return processConfig{profile: defaultProfile, workers: 1, clusters: map[string]Cluster{}}
}

func (c *processConfig) check() error {
	_, err := findProfile(c.profile)
	if c.workers < 1 || c.workers > maxWorkers {
		err = errors.Join(err, fmt.Errorf("%d workers: want 1 to %d", c.workers, maxWorkers))
	}
	return err
}
