package hostsim

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/http"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// Host is a listener with one Wasm plugin in its HTTP filter chain, before the router; SetNext adds others. Its methods
// may be called from any goroutine.
type Host struct {
	process  *Process
	listener *envoy.Listener
	// closes releases what was made for the host alone: its process, and with the package's New its module.
	closes func(context.Context) error

	mu       sync.Mutex
	upstream upstream.Cluster
	next     *Host
	// leftovers are bytes on a worker's idle connection to the backend, which has not read them.
	leftovers map[int][]byte
}

// New starts a process with one plugin in it, which Host.Close ends. The error is a *LoadError when this Envoy would not
// load the module, and a *ConfigError when the guest did not take its configuration.
func New(ctx context.Context, wasm []byte, opts ...Option) (*Host, error) {
	module, err := Compile(ctx, wasm, wasmhost.CompileOptions{})
	if err != nil {
		return nil, err
	}
	h, err := module.New(ctx, opts...)
	if err != nil {
		return nil, errors.Join(err, module.Close(ctx))
	}
	process := h.closes
	h.closes = func(ctx context.Context) error { return errors.Join(process(ctx), module.Close(ctx)) }
	return h, nil
}

// New starts a process with one plugin of this module in it, which Host.Close ends. The module may serve many hosts, and
// outlives them.
func (m *Module) New(ctx context.Context, opts ...Option) (*Host, error) {
	c := config{process: envoy.NewProcessConfig(), host: newHostOptions()}
	for _, o := range opts {
		o.apply(&c)
	}
	envoy, err := envoy.NewProcess(c.process)
	if err != nil {
		return nil, errors.Join(err, c.host.Check())
	}
	p := &Process{envoy: envoy}
	h, err := p.newHost(ctx, m, c.host)
	if err != nil {
		return nil, errors.Join(err, p.Close(ctx))
	}
	h.closes = p.Close
	return h, nil
}

// NewHost adds a listener with a plugin of its own to the process, which the process ends if Host.Close has not. Hosts
// with the same module, vm_id, VM configuration (and environment, from 1.39 on) share VMs, and all with the same vm_id
// share data and queues.
func (p *Process) NewHost(ctx context.Context, m *Module, opts ...HostOption) (*Host, error) {
	c := newHostOptions()
	for _, o := range opts {
		o(&c)
	}
	return p.newHost(ctx, m, c)
}

func (p *Process) newHost(ctx context.Context, m *Module, c hostOptions) (*Host, error) {
	l, err := p.envoy.NewListener(ctx, m.code, c.Config)
	if err != nil {
		return nil, err
	}
	return &Host{process: p, listener: l, upstream: c.upstream}, nil
}

// Close ends the plugin, and whatever was made for it alone: with New its process, and with the package's New its module.
func (h *Host) Close(ctx context.Context) error {
	if h.closes == nil {
		h.listener.Close()
		return nil
	}
	return h.closes(ctx)
}

// UpdateConfig applies a new plugin configuration, as a listener update does. The new root is created in the same VMs;
// streams in flight stay on the old one, which Drain ends. A *ConfigError leaves the old configuration in force.
func (h *Host) UpdateConfig(config []byte) error { return h.listener.UpdateConfig(config) }

// Drain ends configurations that were replaced: streams that are still on them are reset, their callouts cancelled, and
// their roots get done and delete.
func (h *Host) Drain() { h.listener.Drain() }

// Process is the process that the host lives in.
func (h *Host) Process() *Process { return h.process }

// Clock is the process's clock.
func (h *Host) Clock() Clock { return h.process.Clock() }

// Advance moves the process's clock: see Process.Advance.
func (h *Host) Advance(d time.Duration) { h.process.Advance(d) }

// Tick lets the plugin's tick come now, without waiting for its time, on each thread whose VM has asked for ticks, and
// says on how many that was: 0 means that the plugin asked for none.
func (h *Host) Tick() (threads int) { return h.listener.Tick() }

// SetUpstream changes the backend of Do, from the next exchange on.
func (h *Host) SetUpstream(backend upstream.Cluster) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.upstream = backend
}

// SetNext puts another host's plugin behind this one, as the next HTTP filter of the same listener, for requests that
// begin from now on; nil takes it away. What this plugin lets through goes to that one, and from the last to the router;
// the response comes back the other way. Settings and backend are this host's. Both hosts must be in the same process.
func (h *Host) SetNext(next *Host) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next = next
}

// behind are the hosts behind this one, in order.
func (h *Host) behind() (hosts []*Host) {
	for next := h.after(); next != nil; next = next.after() {
		hosts = append(hosts, next)
	}
	return hosts
}

func (h *Host) after() *Host {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.next
}

// newStream begins one on a worker, counted from 0.
func (h *Host) newStream(worker int, info StreamInfo) (*http.Stream, error) {
	next := h.behind()
	if next == nil {
		return http.NewStream(h.listener, worker, info)
	}
	listeners := []*envoy.Listener{h.listener}
	for _, each := range next {
		listeners = append(listeners, each.listener)
	}
	return http.NewChain(listeners, worker, info)
}

// Log has all lines that the plugin's VMs logged so far, the canary's included.
func (h *Host) Log() []LogLine { return h.listener.Logs.From(0) }

// Trace has every hostcall and callback so far, WASI left out, when the host was made WithTrace. A callback stands
// before the hostcalls that it makes.
func (h *Host) Trace() []TraceEntry { return h.listener.Traces.From(0) }

// GuestMemory is how many bytes of linear memory the host's VM has on each thread, the main thread first; 0 for none. It
// never falls: a Wasm memory can only grow.
func (h *Host) GuestMemory() []int { return h.listener.GuestMemory() }

// SetMemoryLimit bounds the memory of the VMs that this host has made and will make, in bytes, from now on: a guest
// that asks for more is refused, and what it does then is its own affair; most languages' runtimes trap. 0 lifts the
// limit, up to Envoy's 1 GiB. A VM keeps what it already has: see GuestMemory.
func (h *Host) SetMemoryLimit(bytes int) { h.listener.SetMemoryLimit(bytes) }

// ReloadStats are the counts of what FailReload did, as Envoy's counters wasm.<name>.vm_reload_success and so on.
func (h *Host) ReloadStats() envoy.ReloadStats { return h.listener.ReloadStats() }
