package hostsim

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"slices"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// vm is one instance of a guest on one thread; all its methods run on that thread. It is the context.Context of the
// calls into the guest, so that host functions find it without a lookup.
type vm struct {
	context.Context

	thread  *thread
	key     string
	vmID    string
	config  []byte
	environ []string // NAME=value
	// logTo receives what is said outside of any context.
	logTo *Host

	linked    *linkedModule
	module    api.Module
	memory    api.Memory // nil when closed
	linear    *linearMemory
	callbacks [callbackCount]api.Function
	malloc    api.Function
	// mallocName is its export name: a stripped module has no other.
	mallocName string
	random     *mathrand.ChaCha8

	contexts map[uint32]*guestContext
	lastID   uint32
	nowhere  *guestContext // context 0: the VM itself
	roots    map[string]*guestContext

	current   *guestContext
	effective uint32
	// stopNext: a local reply was sent in this call, so whatever the guest answers means stop.
	stopNext bool
	deferred []func()
	stack    [16]uint64 // parameters of the callback that runs
	// mallocStack is the allocator's; it does not call itself, as hardly any hostcall is allowed in it.
	mallocStack [1]uint64
	// headerNames and paths are names that the guest used before, so that using them again allocates nothing.
	headerNames map[string]headerName
	paths       map[string]*propertyPath
	// headerText and logText hold short header values and log lines; apart, as lines are kept for longer.
	headerText, logText textStore
	scratch             []byte // of the hostcall that runs

	restriction restriction
	tracing     bool
	envoyTrace  func(thread int, line string) // nil without WithEnvoyTrace
	given       int                           // bytes that the running hostcall has given, for the trace
	// inGuest is how many callbacks are running, each inside a hostcall of the one before; running says which.
	inGuest int
	running [callbackCount]int
	// decisions are those of the guest that are being carried out, each inside the one before, and frames what they
	// take of the native stack, in bytes.
	decisions, frames int

	failed bool
	closed bool
	// The last ids of callouts, gRPC calls and gRPC streams.
	lastCall, lastGRPCCall, lastGRPCStream uint32
	metrics                                [3][]*stat
}

// vmKey finds the vm in a context that somebody has wrapped.
type vmKey struct{}

func (v *vm) Value(key any) any {
	if _, ok := key.(vmKey); ok {
		return v
	}
	return v.Context.Value(key)
}

// makeVMKey is the identity of a VM on its thread. Source: proxy-wasm-cpp-host makeVmKey.
func makeVMKey(p *profile, c *hostConfig, m *Module) string {
	h := sha256.New()
	parts := []string{c.vmID, string(c.vmConfig), m.hash}
	if p.envInKey {
		for _, name := range slices.Sorted(maps.Keys(c.env)) {
			parts = append(parts, name, c.env[name])
		}
	}
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// newVM instantiates the guest on t and runs its initialisation. A *LoadError or a trap comes back as the error.
func newVM(t *thread, h *Host, linked *linkedModule) (*vm, error) {
	v := &vm{
		Context: t.process.background, thread: t, key: h.vmKey, vmID: h.config.vmID, config: h.config.vmConfig,
		logTo: h, linked: linked, contexts: map[uint32]*guestContext{}, roots: map[string]*guestContext{},
		random: t.process.newRandom(), tracing: h.config.trace, envoyTrace: h.config.envoyTrace,
		headerNames: map[string]headerName{}, paths: map[string]*propertyPath{},
	}
	for _, name := range slices.Sorted(maps.Keys(h.config.env)) {
		v.environ = append(v.environ, name+"="+h.config.env[name])
	}
	v.nowhere = &guestContext{vm: v, host: h}
	v.nowhere.root = v.nowhere
	v.contexts[0], v.current = v.nowhere, v.nowhere

	v.restriction = startingUp
	defer func() { v.restriction = unrestricted }()
	v.linear = &linearMemory{limit: &h.memoryLimit, spares: &linked.spares}
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
func (v *vm) initialize() {
	if f := v.module.ExportedFunction("_initialize"); f != nil {
		v.initializeWith("_initialize", f)
		names := []string{"main"}
		if v.thread.process.profile.mainVoid {
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

func (v *vm) initializeWith(name string, f api.Function) {
	types := f.Definition()
	args := make([]uint64, len(types.ParamTypes()))
	if v.envoyTrace != nil {
		v.traceEnter("host->vm", name, types.ParamTypes(), args)
	}
	results, err := f.Call(v, args...)
	if err != nil {
		v.fail(name, err)
		return
	}
	if v.envoyTrace != nil {
		v.traceLeave("host<-vm", name, types.ResultTypes(), results)
	}
}

// fail marks the VM as crashed. Its streams are answered as they move on; see guestContext.checkFail.
func (v *vm) fail(function string, err error) {
	if !v.failed {
		v.failed = true
		if v.thread.vms[v.key] == v {
			delete(v.thread.vms, v.key)
		}
	}
	c := v.current
	if c == nil || c.host == nil {
		c = v.nowhere
	}
	c.host.log(v.thread.index, LevelError, fmt.Sprintf("Function: %s failed: %s", function, v.trapText(err)), true)
}

// close releases the instance, and its memory when no call into the guest has still to return. It is safe to call it again.
func (v *vm) close() error {
	if v.closed {
		return nil
	}
	v.closed, v.failed = true, true
	if v.thread.vms[v.key] == v {
		delete(v.thread.vms, v.key)
	}
	err := v.module.Close(v)
	if v.inGuest == 0 {
		v.memory = nil
		v.linear.release()
	}
	return err
}

// maxNestedCallbacks bounds callbacks inside hostcalls inside callbacks, where Envoy would run out of stack.
const maxNestedCallbacks = 16

var errNestedTooDeep = errors.New("maximum call stack size exceeded")

// invoke calls into the guest in the name of c. It is false when the guest lacks the callback or traps.
func (v *vm) invoke(c *guestContext, cb callback, args ...uint32) (uint32, bool) {
	f := v.callbacks[cb]
	if f == nil {
		return 0, false
	}
	if v.inGuest >= maxNestedCallbacks {
		v.fail(callbackTable[cb].name, errNestedTooDeep)
		return 0, false
	}
	if v.frames > nativeStack {
		v.fail(callbackTable[cb].name, &stackError{v.decisions})
		return 0, false
	}
	if v.running[cb] > 0 {
		f = v.module.ExportedFunction(callbackTable[cb].name) // one api.Function does not run twice at a time
	}
	if v.linked.abi == abi010 && callbackTable[cb].paramsABI010 != 0 {
		args = args[:callbackTable[cb].paramsABI010]
	}
	for i, a := range args {
		v.stack[i] = uint64(a)
	}
	current, effective := v.current, v.effective
	v.current, v.effective = c, 0
	var at int
	if v.tracing {
		at = v.traceCallback(c, cb, args)
	}
	if v.envoyTrace != nil {
		v.traceEnter("host->vm", callbackTable[cb].name, f.Definition().ParamTypes(), v.stack[:])
	}
	v.inGuest++
	v.running[cb]++
	err := f.CallWithStack(v, v.stack[:max(len(args), len(callbackTable[cb].results))])
	v.inGuest--
	v.running[cb]--
	result := uint32(v.stack[0])
	if v.envoyTrace != nil && err == nil {
		v.traceLeave("host<-vm", callbackTable[cb].name, callbackTable[cb].results, v.stack[:])
	}
	if v.tracing {
		v.traceReturn(c, cb, at, result, err)
	}
	if err != nil {
		v.fail(callbackTable[cb].name, err)
		result = 0
	}
	v.current, v.effective = current, effective
	return result, err == nil
}

// afterCall does what the guest asked for in the call that has just returned, first come first served. Actions that
// call into the guest again may come back here, as they do in Envoy: its nested calls explain the odd order in which
// two replies, or a reply and a continue, take effect. Source: proxy-wasm-cpp-host DeferAfterCallActions.
func (v *vm) afterCall() {
	v.stopNext = false
	for len(v.deferred) > 0 {
		f := v.deferred[0]
		v.deferred = v.deferred[1:]
		v.decide(f)
	}
}

func (v *vm) later(f func()) { v.deferred = append(v.deferred, f) }

// contextOrEffective is the context that a hostcall acts on. An effective context that is gone means the true one.
func (v *vm) contextOrEffective() *guestContext {
	if v.effective != 0 {
		if c, ok := v.contexts[v.effective]; ok {
			return c
		}
	}
	return v.current
}

// queueReady tells the guest about a message, on its own thread. A VM that has crashed is told nothing.
func (v *vm) queueReady(rootID, queue uint32) {
	root, ok := v.contexts[rootID]
	if !ok || v.failed {
		return
	}
	v.invoke(root, onQueueReady, rootID, queue)
	v.afterCall()
}
