package wasmhost

import "fmt"

// What a guest decides about streams in one callback (proxy_send_local_response, proxy_continue_stream,
// proxy_close_stream) is done when the callback ends. Where doing it calls the guest again, as the response headers and
// the log of a reply do, the next decision is carried out inside that call, one level deeper on the native stack, and
// so on. V8 has 984 KiB of it: after a few hundred decisions the guest cannot be called any more, which is a trap, and
// the VM is lost with all its streams.
// Source: proxy-wasm-cpp-host include/proxy-wasm/wasm.h DeferAfterCallActions, doAfterVmCallActions.

// nesting is how many decisions of one callback fit on the native stack, when they are all of one kind.
type nesting struct {
	// replies: those of the guest, and those of a route that answers by itself.
	replies int
	// others: a request with a body or a response that goes on, a stream that is closed.
	others int
}

// measuredNesting is a little less than what every Envoy of hostsim/fidelity could take, on x86-64: the same in an
// answer to a call, a message of a queue and a tick. By what the guest exports:
//
//	                                            proxy_on_response_headers   only proxy_on_log
//	replies with a body                                  304                       286
//	replies without                                      304                       269
//	requests that go on to a direct_response             271                       257
//	streams that are closed                             1025
//	requests with a body that go on to a cluster        1333
//	responses that go on                                3955
//
// A request without a body that goes on to a cluster does not call the guest: any number fits.
var measuredNesting = nesting{replies: 256, others: 1000}

// nativeStack is V8's, in bytes (its flag stack_size).
const nativeStack = 984 << 10

// decide carries out a decision of the guest.
func (v *VM) decide(f func()) {
	frames := nativeStack / v.machine.Release.nesting.others
	v.decisions++
	v.frames += frames
	f()
	v.frames -= frames
	v.decisions--
}

// InReply runs f, which makes a local reply: that decision needs more of the stack than others.
func (v *VM) InReply(f func()) {
	n := v.machine.Release.nesting
	frames := nativeStack/n.replies - nativeStack/n.others
	v.frames += frames
	f()
	v.frames -= frames
}

// stackError is what V8 says when there is no room for another call, with the number of decisions so far.
type stackError struct{ decisions int }

func (e *stackError) Error() string {
	return fmt.Sprintf("Uncaught RangeError: Maximum call stack size exceeded (%d decisions of one callback are nested: see README.md, Many streams in one callback)", e.decisions)
}
