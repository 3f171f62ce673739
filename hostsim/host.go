package hostsim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Host is a listener with one Wasm plugin in its HTTP filter chain, before the router. Its methods may be called from
// any goroutine.
type Host struct {
	process *Process
	number  int // of the hosts of the process, in order of their start
	module  *Module
	owns    bool // module and process are closed with the host
	config  hostConfig
	vmKey   string
	linked  *linkedModule
	spec    vmSpec

	logs   journal[LogLine]
	traces journal[TraceEntry]
	stats  reloadStats
	// memoryLimit is that of WithMemoryLimit and SetMemoryLimit.
	memoryLimit atomic.Uint64

	mu       sync.Mutex
	upstream Cluster
	current  *generation
	draining []*generation
	nextID   uint64 // connection ids
	// leftovers are bytes on a worker's idle connection to the backend, which has not read them.
	leftovers map[int][]byte
	closed    bool
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

// New starts a process with one plugin in it. The error is a *LoadError when this Envoy would not load the module, and
// a *ConfigError when the guest did not take its configuration.
func New(ctx context.Context, wasm []byte, opts ...Option) (*Host, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	module, err := Compile(ctx, wasm, CompileOptions{CacheDir: c.host.cacheDir})
	if err != nil {
		return nil, err
	}
	h, err := startHost(ctx, newProcess(c), module, c)
	if err != nil {
		return nil, errors.Join(err, module.Close(ctx))
	}
	h.owns = true
	return h, nil
}

// New starts a process with one plugin of this module in it. The module may serve many hosts, and outlives them.
func (m *Module) New(ctx context.Context, opts ...Option) (*Host, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	return startHost(ctx, newProcess(c), m, c)
}

// NewHost adds a listener with a plugin of its own to the process. Hosts with the same module, vm_id, VM configuration
// (and environment, from 1.39 on) share VMs, and all with the same vm_id share data and queues.
func (p *Process) NewHost(ctx context.Context, m *Module, opts ...Option) (*Host, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	if len(c.processOptions) > 0 {
		return nil, fmt.Errorf("option %s belongs to the process: give it to NewProcess", c.processOptions[0])
	}
	return startHost(ctx, p, m, c)
}

func startHost(ctx context.Context, p *Process, m *Module, c *config) (*Host, error) {
	linked, err := m.forRelease(ctx, p.profile.release)
	if err != nil {
		return nil, err
	}
	h := &Host{process: p, module: m, config: c.host, linked: linked, upstream: c.host.upstream}
	h.SetMemoryLimit(c.host.memoryLimit)
	h.spec = vmSpec{
		VMID: c.host.vmID, Config: c.host.vmConfig, Env: c.host.env, MemoryLimit: &h.memoryLimit,
		Tracing: c.host.trace, EnvoyTrace: c.host.envoyTrace,
	}
	h.vmKey = m.VMKey(p.profile.release, &h.spec)
	p.machine.sharedData.retain(h.config.vmID)
	g, err := h.startGeneration(h.config.pluginConfig)
	p.loop.Settle()
	if err != nil {
		p.machine.sharedData.release(h.config.vmID)
		return nil, err
	}
	h.current = g
	p.mu.Lock()
	p.started++
	h.number = p.started
	p.hosts[h] = true
	p.mu.Unlock()
	return h, nil
}

// UpdateConfig puts a new plugin configuration in force, as a listener update does. The new root comes into the same
// VMs; streams in flight stay on the old one, which Drain ends. A *ConfigError leaves the old configuration in force.
func (h *Host) UpdateConfig(config []byte) error {
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

// Drain ends configurations that were replaced: streams that are still on them are reset, their callouts cancelled, and
// their roots get done and delete.
func (h *Host) Drain() {
	h.mu.Lock()
	old := h.draining
	h.draining = nil
	h.mu.Unlock()
	for _, g := range old {
		g.end()
	}
	h.process.loop.Settle()
}

// Close ends the plugin, and with a Host of New also its process and module.
func (h *Host) Close(ctx context.Context) error {
	if !h.owns {
		return h.close(ctx)
	}
	return errors.Join(h.process.Close(ctx), h.module.Close(ctx))
}

func (h *Host) close(context.Context) error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	current := h.current
	h.mu.Unlock()
	h.Drain()
	current.end()
	h.process.loop.Settle()
	h.process.mu.Lock()
	delete(h.process.hosts, h)
	h.process.mu.Unlock()
	h.process.machine.sharedData.release(h.config.vmID)
	return nil
}

// Process is the process that the host lives in.
func (h *Host) Process() *Process { return h.process }

// Clock is the process's clock.
func (h *Host) Clock() Clock { return h.process.clock }

// Advance moves the process's clock: see Process.Advance.
func (h *Host) Advance(d time.Duration) { h.process.Advance(d) }

// SetUpstream changes the backend of Do, from the next exchange on.
func (h *Host) SetUpstream(backend Cluster) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.upstream = backend
}

// Log has all lines that the plugin's VMs logged so far, the canary's included.
func (h *Host) Log() []LogLine { return h.logs.from(0) }

// Trace has every hostcall and callback so far, WASI left out, when the host was made WithTrace. A callback stands
// before the hostcalls that it makes.
func (h *Host) Trace() []TraceEntry { return h.traces.from(0) }

// log keeps a line and hands it to the sinks.
func (h *Host) log(thread int, level Level, message string, byHost bool) {
	l := LogLine{At: h.process.clock.Now(), Level: level, Message: message, Thread: thread, Host: byHost}
	h.logs.add(l)
	for _, sink := range h.config.sinks {
		sink(l)
	}
}

// CompileFile reads and compiles a module from a file.
func CompileFile(ctx context.Context, path string, o CompileOptions) (*Module, error) {
	wasm, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read wasm module: %w", err)
	}
	return Compile(ctx, wasm, o)
}
