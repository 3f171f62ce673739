package hostsim

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// listener is one with a Wasm plugin in its HTTP filter chain, before the router, or in its network filter chain before
// tcp_proxy. Its methods may be called from any goroutine.
type listener struct {
	process *envoyProcess
	number  int // of the listeners of the process, in order of their start
	config  hostConfig
	vmKey   string
	linked  *linkedModule
	spec    vmSpec

	// Logs has all lines of the plugin's VMs, the canary's included, and Traces the crossings of those that are traced.
	logs   journal[LogLine]
	traces journal[TraceEntry]
	stats  reloadCounters
	// memoryLimit is bounds what the VMs may have.
	memoryLimit atomic.Uint64

	mu       sync.Mutex
	current  *generation
	draining []*generation
	nextID   uint64 // connection ids
	closed   bool
}

// ConfigError says that the plugin refused to start: _initialize trapped, or vm_start or configure trapped or answered
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

// newListener starts a plugin of a module. Listeners with the same module, vm_id, VM configuration (and environment,
// from 1.39 on) share VMs, and all with the same vm_id share data and queues. The error is a *LoadError when this Envoy
// would not load the module, and a *ConfigError when the guest did not take its configuration.
func (p *envoyProcess) newListener(ctx context.Context, m *compiled, c hostConfig) (*listener, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	linked, err := m.forRelease(ctx, p.profile.release)
	if err != nil {
		return nil, err
	}
	h := &listener{process: p, config: c, linked: linked}
	h.setMemoryLimit(c.memoryLimit)
	h.spec = vmSpec{
		VMID: c.vmID, Config: c.vmConfig, Env: c.env, MemoryLimit: &h.memoryLimit, Tracing: c.trace, EnvoyTrace: c.envoyTrace,
	}
	h.vmKey = m.VMKey(p.profile.release, &h.spec)
	p.machine.retain(c.vmID)
	g, err := h.startGeneration(c.pluginConfig)
	p.loop.Settle()
	if err != nil {
		p.machine.release(c.vmID)
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

// updateConfig puts a new plugin configuration in force. A *ConfigError leaves the old one in force.
func (h *listener) updateConfig(config []byte) error {
	g, err := h.startGeneration(append([]byte(nil), config...))
	h.process.loop.Settle()
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.current.draining.Store(true)
	h.draining = append(h.draining, h.current)
	h.current = g
	return nil
}

// drain ends configurations that were replaced.
func (h *listener) drain() {
	h.mu.Lock()
	old := h.draining
	h.draining = nil
	h.mu.Unlock()
	for _, g := range old {
		g.end()
	}
	h.process.loop.Settle()
}

// close ends the plugin.
func (h *listener) close() {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return
	}
	h.closed = true
	current := h.current
	h.mu.Unlock()
	h.drain()
	current.end()
	h.process.loop.Settle()
	h.process.mu.Lock()
	delete(h.process.listeners, h)
	h.process.mu.Unlock()
	h.process.machine.release(h.config.vmID)
}

var errClosed = errors.New("host is closed")

// log keeps a line and hands it to the sinks.
func (h *listener) log(thread int, level Level, message string, byHost bool) {
	l := LogLine{At: h.process.clock.Now(), Level: level, Message: message, Thread: thread, Host: byHost}
	h.logs.add(l)
	for _, sink := range h.config.sinks {
		sink(l)
	}
}
