package wasmhost

import (
	"errors"

	"github.com/tetratelabs/wazero/api"
)

// maxNestedCallbacks bounds callbacks inside hostcalls inside callbacks, where Envoy would run out of stack.
const maxNestedCallbacks = 16

var errNestedTooDeep = errors.New("maximum call stack size exceeded")

// Memory is the guest's memory.
func (v *VM) Memory() api.Memory { return v.memory }

// CallExport calls any function that the guest exports, in the name of c: for tests of hostcalls. The stack has the
// parameters, and then the results.
func (v *VM) CallExport(c GuestContext, name string, stack []uint64) error {
	current := v.current
	v.current = c
	err := v.module.ExportedFunction(name).CallWithStack(v, stack)
	v.current, v.effective = current, 0
	return err
}

// Invoke calls into the guest in the name of c. It returns false when the guest lacks the callback or traps.
func (v *VM) Invoke(c GuestContext, cb Callback, args ...uint32) (uint32, bool) {
	f := v.callbacks[cb]
	if f == nil {
		return 0, false
	}
	if v.inGuest >= maxNestedCallbacks {
		v.Fail(callbackTable[cb].name, errNestedTooDeep)
		return 0, false
	}
	if v.frames > nativeStack {
		v.Fail(callbackTable[cb].name, &stackError{v.decisions})
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
		v.Fail(callbackTable[cb].name, err)
		result = 0
	}
	v.current, v.effective = current, effective
	return result, err == nil
}

// AfterCall does what the guest asked for in the call that has just returned, first come first served. Actions that
// call into the guest again may come back here, as they do in Envoy: its nested calls explain the odd order in which
// two replies, or a reply and a continue, take effect. Source: proxy-wasm-cpp-host DeferAfterCallActions.
func (v *VM) AfterCall() {
	v.stopNext = false
	for len(v.deferred) > 0 {
		f := v.deferred[0]
		v.deferred = v.deferred[1:]
		v.decide(f)
	}
}

// Later runs f after the call that is running.
func (v *VM) Later(f func()) { v.deferred = append(v.deferred, f) }

// contextOrEffective is the context that a hostcall acts on. If the effective context is gone, it is the current one.
func (v *VM) contextOrEffective() GuestContext {
	if v.effective != 0 {
		if c, ok := v.contexts[v.effective]; ok {
			return c
		}
	}
	return v.current
}

// queueReady notifies the guest of a message, on the guest's own thread. A VM that has crashed is not notified.
func (v *VM) queueReady(rootID, queue uint32) {
	root, ok := v.contexts[rootID]
	if !ok || v.failed {
		return
	}
	v.Invoke(root, onQueueReady, rootID, queue)
	v.AfterCall()
}
