// Package wasmhost is a proxy-wasm host that knows nothing of a proxy: it loads modules as an Envoy version would, runs
// VMs under wazero, and turns their hostcalls into questions to a GuestContext. What VMs of one process share, data,
// queues and metrics, is here too. Source: proxy-wasm-cpp-host.
package wasmhost

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"sync/atomic"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/simclock"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
)

// Spec is what a VM is made of.
type Spec struct {
	// VMID is the namespace of shared data and queues.
	VMID   string
	Config []byte
	Env    map[string]string
	// MemoryLimit bounds the guest's memory, in bytes; 0 means only Envoy's limit. It may change at any time.
	MemoryLimit *atomic.Uint64
	// Tracing records crossings in GuestContext.Traces. EnvoyTrace, if not nil, receives them in Envoy's words.
	Tracing    bool
	EnvoyTrace func(thread int, line string)
	// Intercept is called before each hostcall; with nil the host makes them all.
	Intercept Intercept
	// Root makes context 0, the VM itself. Lost is called once, when the guest cannot be called any more.
	Root func(*VM) GuestContext
	Lost func(*VM)
}

// VM is one instance of a guest on one thread; all its methods run on that thread. It is the context.Context of the
// calls into the guest, so that host functions find it without a lookup.
type VM struct {
	context.Context

	machine *Machine
	thread  *simclock.Thread
	spec    *Spec
	environ []string // NAME=value

	linked    *LinkedModule
	module    api.Module
	memory    api.Memory // nil when closed
	linear    *linearMemory
	callbacks [callbackCount]api.Function
	malloc    api.Function
	// mallocName is its export name: a stripped module has no other.
	mallocName string
	random     *mathrand.ChaCha8

	contexts map[uint32]GuestContext
	lastID   uint32
	nowhere  GuestContext // context 0: the VM itself

	current   GuestContext
	effective uint32
	// stopNext: a local reply was sent in this call, so whatever the guest answers means stop.
	stopNext bool
	deferred []func()
	stack    [16]uint64 // parameters of the callback that runs
	// mallocStack is the allocator's; it does not call itself, as hardly any hostcall is allowed in it.
	mallocStack [1]uint64
	logText     TextStore
	scratch     []byte     // of the hostcall that runs
	pairs       wire.Pairs // the same

	restriction restriction
	tracing     bool
	watched     bool                          // traced, or with an interceptor
	envoyTrace  func(thread int, line string) // nil without WithEnvoyTrace
	given       int                           // bytes that the running hostcall has given, for the trace
	// inGuest is how many callbacks are running, each inside a hostcall of the one before; running says which.
	inGuest int
	running [callbackCount]int
	// decisions are those of the guest that are being carried out, each inside the one before, and frames what they
	// take of the native stack, in bytes.
	decisions, frames int

	failed  bool
	closed  bool
	metrics [3][]*stat
}

// vmKey finds the VM in a wrapped context.
type vmKey struct{}

func (v *VM) Value(key any) any {
	if _, ok := key.(vmKey); ok {
		return v
	}
	return v.Context.Value(key)
}

// VMKey is the identity of a VM on its thread. Source: proxy-wasm-cpp-host makeVmKey.
func (m *Module) VMKey(r *Release, spec *Spec) string {
	h := sha256.New()
	parts := []string{spec.VMID, string(spec.Config), m.hash}
	if r.envInKey {
		for _, name := range slices.Sorted(maps.Keys(spec.Env)) {
			parts = append(parts, name, spec.Env[name])
		}
	}
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// NewVM instantiates the guest on t and runs its initialisation. A *LoadError or a trap comes back as the error. Calls
// into the guest end with ctx.
func NewVM(ctx context.Context, m *Machine, t *simclock.Thread, linked *LinkedModule, spec *Spec) (*VM, error) {
	v := &VM{
		Context: ctx, machine: m, thread: t, spec: spec, linked: linked, contexts: map[uint32]GuestContext{},
		random: m.Random(), tracing: spec.Tracing, watched: spec.Tracing || spec.Intercept != nil, envoyTrace: spec.EnvoyTrace,
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Env)) {
		v.environ = append(v.environ, name+"="+spec.Env[name])
	}
	v.nowhere = spec.Root(v)
	v.contexts[0], v.current = v.nowhere, v.nowhere

	v.restriction = startingUp
	defer func() { v.restriction = unrestricted }()
	v.linear = &linearMemory{limit: spec.MemoryLimit, spares: &linked.spares}
	if err := v.linear.check(linked.code); err != nil {
		return nil, err
	}
	module, err := linked.runtime.InstantiateModule(experimental.WithMemoryAllocator(v, v.linear), linked.code, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		return nil, &LoadError{"Failed to initialize Wasm code: " + firstLine(err)}
	}
	v.module, v.memory = module, module.Memory()
	if v.memory == nil {
		return nil, errors.Join(&LoadError{"Wasm module exports no memory"}, module.Close(v))
	}
	for i := range callbackTable {
		v.callbacks[i] = module.ExportedFunction(callbackTable[i].name)
	}
	for _, name := range allocators {
		if v.malloc, v.mallocName = module.ExportedFunction(name), name; v.malloc != nil {
			break
		}
	}
	v.initialize()
	if v.failed {
		return nil, errors.Join(&LoadError{"Failed to initialize Wasm code"}, module.Close(v))
	}
	return v, nil
}

// initialize runs _initialize and then main, or _start when there is no _initialize.
// Source: proxy-wasm-cpp-host src/wasm.cc startVm.
func (v *VM) initialize() {
	if f := v.module.ExportedFunction("_initialize"); f != nil {
		v.initializeWith("_initialize", f)
		names := []string{"main"}
		if v.machine.Release.mainVoid {
			names = append(names, "__main_void")
		}
		for _, name := range names {
			if f := v.module.ExportedFunction(name); f != nil && !v.failed {
				v.initializeWith(name, f)
				return
			}
		}
		return
	}
	if f := v.module.ExportedFunction("_start"); f != nil {
		v.initializeWith("_start", f)
	}
}

func (v *VM) initializeWith(name string, f api.Function) {
	types := f.Definition()
	args := make([]uint64, len(types.ParamTypes()))
	if v.envoyTrace != nil {
		v.traceEnter("host->vm", name, types.ParamTypes(), args)
	}
	results, err := f.Call(v, args...)
	if err != nil {
		v.Fail(name, err)
		return
	}
	if v.envoyTrace != nil {
		v.traceLeave("host<-vm", name, types.ResultTypes(), results)
	}
}

// Fail marks the VM as crashed, and says so in the log of the context that runs. Its streams find out as they move on.
func (v *VM) Fail(function string, err error) {
	if !v.failed {
		v.failed = true
		v.spec.Lost(v)
	}
	v.current.Log(abi.LevelError, fmt.Sprintf("Function: %s failed: %s", function, v.trapText(err)), true)
}

// Failed: the guest cannot be called any more. Closed: it has been released, too.
func (v *VM) Failed() bool { return v.failed }

// Closed: see Failed.
func (v *VM) Closed() bool { return v.closed }

// Close releases the instance, and its memory unless a call into the guest has yet to return. It is safe to call it
// again.
func (v *VM) Close() error {
	if v.closed {
		return nil
	}
	if !v.failed {
		v.failed = true
		v.spec.Lost(v)
	}
	v.closed = true
	err := v.module.Close(v)
	if v.inGuest == 0 {
		v.memory = nil
		v.linear.release()
	}
	return err
}

// CloseUnused closes a VM that has no context left but 0.
func (v *VM) CloseUnused() {
	if len(v.contexts) <= 1 {
		_ = v.Close() // an instance without files cannot fail to close
	}
}

// NextID is the number for a new context. Source: proxy-wasm-cpp-host WasmBase::allocContextId.
func (v *VM) NextID() uint32 {
	v.lastID++
	return v.lastID
}

// Enter registers a context by its id, until it leaves.
func (v *VM) Enter(c GuestContext) { v.contexts[c.ID()] = c }

// Leave is the end of the context with that id.
func (v *VM) Leave(id uint32) { delete(v.contexts, id) }

// Knows is true for a context that has entered and not left.
func (v *VM) Knows(c GuestContext) bool { return v.contexts[c.ID()] == c }

// Has is true when the guest has the callback.
func (v *VM) Has(cb Callback) bool { return v.callbacks[cb] != nil }

// InGuest is true while a callback runs. StopNext: it has sent a local reply, so whatever it answers means stop.
func (v *VM) InGuest() bool { return v.inGuest > 0 }

// StopNext: see InGuest.
func (v *VM) StopNext() bool { return v.stopNext }

// Started notes that the guest has been started and configured.
func (v *VM) Started() { v.linear.started() }

// Config is the VM configuration.
func (v *VM) Config() []byte { return v.spec.Config }

// MemorySize is how many bytes of linear memory the guest has.
func (v *VM) MemorySize() int { return int(v.memory.Size()) }
