package envoy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/property"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/simclock"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// FailurePolicy is what happens to new streams when the plugin's VM on their worker has crashed.
type FailurePolicy int

// The policies. FailClosed, the zero value, is what Envoy does when nothing is configured.
const (
	FailClosed FailurePolicy = iota // 503 until the configuration changes
	FailOpen                        // streams pass without the plugin
	FailReload                      // 503 until the backoff is over, then a new VM
	// FailOpenAlways is the older switch fail_open: true. Unlike FailOpen it also lets those streams pass that were there
	// when the VM crashed.
	FailOpenAlways
)

// Bounds and defaults, all Envoy's own.
const (
	defaultReloadBackoff     = time.Second
	DefaultStreamIdleTimeout = 5 * time.Minute
	DefaultRouteTimeout      = 15 * time.Second
	defaultBufferLimit       = 1 << 20
	// asyncResponseLimit is http.async_response_buffer_limit.
	asyncResponseLimit = 32 << 20
	maxWorkers         = 64
)

type ProcessConfig struct {
	Profile  string
	Workers  int
	Clock    simclock.Clock
	Seed     uint64
	Seeded   bool
	Clusters map[string]upstream.Cluster
	Node     map[string]string
}

type Config struct {
	Name, RootID, VMID  string
	PluginConfig        []byte
	VMConfig            []byte
	Env                 map[string]string
	Policy              FailurePolicy
	Backoff             time.Duration
	AllowStopIteration  bool
	LogLevel            abi.Level
	Sinks               []func(LogLine)
	Trace               bool
	EnvoyTrace          func(thread int, line string)
	Intercept           wasmhost.Intercept
	ConnManager         ConnectionManager
	Properties          map[string]any
	Foreign             map[string]ForeignFunction
	MemoryLimit         int
	LocalAddress        string
	defaultSourceIPPort string
}

// ConnectionManager has the settings of Envoy's HTTP connection manager, its listener and its route that a guest or
// client can observe.
type ConnectionManager struct {
	// UseRemoteAddress and XFFTrustedHops decide source.address and x-forwarded-for, as in Envoy. With the zero
	// value, Envoy's default, the client chooses source.address by X-Forwarded-For.
	UseRemoteAddress bool
	XFFTrustedHops   int
	// StreamIdleTimeout ends a stream without activity; 0 means Envoy's 5 minutes, negative none.
	StreamIdleTimeout time.Duration
	// RequestTimeout bounds the time until a request's end has passed the plugin, or the plugin was asked about its last
	// piece of body; 0 means none. A request that is held at its headers, or trailers, is answered with 504 if it has
	// arrived completely, and with 408 if not.
	RequestTimeout time.Duration
	// RouteTimeout bounds the backend's answer; 0 means Envoy's 15 seconds, negative none.
	RouteTimeout time.Duration
	// NoRequestID is generate_request_id: false. A client's own x-request-id stays.
	NoRequestID bool
	// SuppressEnvoyHeaders is the router's suppress_envoy_headers: no x-envoy-upstream-service-time and no
	// x-envoy-expected-rq-timeout-ms.
	SuppressEnvoyHeaders bool
	// BufferLimit is the listener's per_connection_buffer_limit_bytes; 0 means Envoy's 1 MiB. A body that the guest holds
	// back beyond it ends in 413 or 500.
	BufferLimit int
	// DirectResponse makes the route answer by itself, as Envoy's direct_response does, without any backend; nil: the
	// route leads to the backend. Only its status and body count.
	DirectResponse *upstream.Answer
}

// ForeignFunction answers proxy_call_foreign_function for one name.
type ForeignFunction func(argument []byte) (result []byte, status abi.Status)

// NewConfig has the defaults.
func NewConfig() Config {
	return Config{
		Name: "plugin", LogLevel: abi.LevelInfo,
		Env: map[string]string{}, Properties: map[string]any{}, Foreign: map[string]ForeignFunction{},
		LocalAddress: "127.0.0.1:10000", defaultSourceIPPort: "127.0.0.1:40000",
		Backoff: defaultReloadBackoff,
	}
}

func (c *Config) Check() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Env)) {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			errs = append(errs, fmt.Errorf("environment variable name %q: must not be empty or contain = or NUL", name))
		}
	}
	return errors.Join(append(errs, checkProperties(c.Properties))...)
}

func checkProperties(properties map[string]any) error {
	if len(properties) == 0 {
		return nil
	}
	var errs []error
	for _, path := range slices.Sorted(maps.Keys(properties)) {
		if _, err := property.Of(properties[path]); err != nil {
			errs = append(errs, fmt.Errorf("property %s: %w", path, err))
		}
	}
	return errors.Join(errs...)
}

func NewProcessConfig() ProcessConfig {
	return ProcessConfig{Profile: DefaultProfile, Workers: 1, Clusters: map[string]upstream.Cluster{}}
}

func (c *ProcessConfig) check() error {
	_, err := findProfile(c.Profile)
	if c.Workers < 1 || c.Workers > maxWorkers {
		err = errors.Join(err, fmt.Errorf("%d workers: want 1 to %d", c.Workers, maxWorkers))
	}
	return err
}
