package envoy

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
)

// Listener is a listener with a Wasm plugin in its HTTP filter chain, before the router, or in its network filter chain
// before tcp_proxy. Its methods may be called from any goroutine.
type Listener struct {
	Process *Process
	number  int // of the listeners of the process, in order of their start
	Config  Config
	vmKey   string
	linked  *wasmhost.LinkedModule
	spec    wasmhost.Spec

	// Logs has all lines of the plugin's VMs, the canary's included, and Traces the crossings of those that are traced.
	Logs   wasmhost.Journal[LogLine]
	Traces wasmhost.Journal[wasmhost.TraceEntry]
	stats  reloadCounters
	// memoryLimit bounds what the VMs may have.
	memoryLimit atomic.Uint64

	mu       sync.Mutex
	current  *generation
	draining []*generation
	nextID   uint64 // connection ids
	closed   bool
}

// ConfigError says that the plugin refused to start: _initialize trapped, or vm_start or configure trapped or returned
// false. Log has what was logged from the start to the refusal.
type ConfigError struct {
	Reason string
	Log    []LogLine
}

func (e *ConfigError) Error() string {
	s := e.Reason
	for _, l := range e.Log {
		s += "\n\t" + l.Level.String() + ": " + l.Message
	}
	return s
}

// NewListener starts a plugin of a module. Listeners with the same module, vm_id, VM configuration (and environment,
// from 1.39 on) share VMs, and all with the same vm_id share data and queues. The error is a *LoadError when this Envoy
// would not load the module, and a *ConfigError when the guest did not take its configuration.
func (p *Process) NewListener(ctx context.Context, m *wasmhost.Module, c Config) (*Listener, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	linked, err := m.ForRelease(ctx, p.Profile.Release)
	if err != nil {
		return nil, err
	}
	h := &Listener{Process: p, Config: c, linked: linked}
	h.SetMemoryLimit(c.MemoryLimit)
	h.spec = wasmhost.Spec{
		VMID: c.VMID, Config: c.VMConfig, Env: c.Env, MemoryLimit: &h.memoryLimit, Tracing: c.Trace, EnvoyTrace: c.EnvoyTrace,
		Intercept: c.Intercept,
	}
	h.vmKey = m.VMKey(p.Profile.Release, &h.spec)
	p.Machine.Retain(c.VMID)
	g, err := h.startGeneration(c.PluginConfig)
	p.Loop.Settle()
	if err != nil {
		p.Machine.Forsake(c.VMID)
		return nil, err
	}
	h.current = g
	p.mu.Lock()
	p.started++
	h.number = p.started
	p.listeners[h] = true
	p.mu.Unlock()
	return h, nil
}

// UpdateConfig applies a new plugin configuration. A *ConfigError leaves the old one in force.
func (h *Listener) UpdateConfig(config []byte) error {
	g, err := h.startGeneration(append([]byte(nil), config...))
	h.Process.Loop.Settle()
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.current.Draining.Store(true)
	h.draining = append(h.draining, h.current)
	h.current = g
	return nil
}

// Drain ends configurations that were replaced.
func (h *Listener) Drain() {
	h.mu.Lock()
	old := h.draining
	h.draining = nil
	h.mu.Unlock()
	for _, g := range old {
		g.end()
	}
	h.Process.Loop.Settle()
}

// Close ends the plugin.
func (h *Listener) Close() {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return
	}
	h.closed = true
	current := h.current
	h.mu.Unlock()
	h.Drain()
	current.end()
	h.Process.Loop.Settle()
	h.Process.mu.Lock()
	delete(h.Process.listeners, h)
	h.Process.mu.Unlock()
	h.Process.Machine.Forsake(h.Config.VMID)
}

var ErrClosed = errors.New("host is closed")

// Log keeps a line and passes it to the sinks.
func (h *Listener) Log(thread int, level abi.Level, message string, byHost bool) {
	l := LogLine{At: h.Process.Clock.Now(), Level: level, Message: message, Thread: thread, Host: byHost}
	h.Logs.Add(l)
	for _, sink := range h.Config.Sinks {
		sink(l)
	}
}

// RouteTimeout bounds the backend's answer; negative for none.
func (h *Listener) RouteTimeout() time.Duration {
	if d := h.Config.ConnManager.RouteTimeout; d != 0 {
		return d
	}
	return DefaultRouteTimeout
}

// BufferLimit bounds the bytes of a body that a guest holds back.
func (h *Listener) BufferLimit() int {
	if n := h.Config.ConnManager.BufferLimit; n != 0 {
		return n
	}
	return defaultBufferLimit
}
