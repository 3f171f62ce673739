package wasmhost

import (
	"slices"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// Intercept is called before a hostcall is made; WASI is left out. Taken: the host does not make it, and the guest gets
// the status and, with StatusOK, the data if the function returns bytes. The call has no result yet. It runs on the
// thread of the call and must not call into the guest.
type Intercept func(call TraceEntry) (status abi.Status, data []byte, taken bool)

// handsOver are the hostcalls that return bytes, with the position of the out-pointers among their parameters.
var handsOver = map[string]int{
	"proxy_get_property": 2, "proxy_get_header_map_value": 3, "proxy_get_buffer_bytes": 3, "proxy_get_configuration": 0,
	"proxy_get_shared_data": 2, "proxy_dequeue_shared_queue": 1, "proxy_call_foreign_function": 3,
}

// HandsOver reports whether a hostcall returns bytes of any kind. Known: there is one with that name.
func HandsOver(name string) (hands, known bool) {
	_, hands = handsOver[name]
	return hands, slices.Contains(HostcallNames(), name)
}

// intercepted asks the interceptor, if there is one.
func (v *VM) intercepted(e *TraceEntry, stack []uint64) (result uint32, taken bool) {
	if v.spec.Intercept == nil {
		return 0, false
	}
	status, data, taken := v.spec.Intercept(*e)
	if !taken {
		return 0, false
	}
	if at, ok := handsOver[e.Name]; ok && status == abi.StatusOK {
		status = v.give(data, stack[at], stack[at+1])
	}
	return uint32(status), true
}
