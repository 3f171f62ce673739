//go:build wasip1

package abi

import "unsafe"

// The callbacks that the filter needs, and no others: each one that is exported
// costs every request a call into the VM. Each sets its answer to the safe one
// first, so that a recovered panic leaves it.

//go:wasmexport proxy_abi_version_0_2_1
func abiVersion() {}

// The host allocates the values of its answers here: it refuses maps over 1 MiB
// itself, and bodies are asked for with a limit.
//
//go:wasmexport proxy_on_memory_allocate
func onMemoryAllocate(size uint32) unsafe.Pointer {
	if size == 0 {
		return nil
	}
	return unsafe.Pointer(unsafe.SliceData(place(int(size))))
}

//go:wasmexport proxy_on_context_create
func onContextCreate(id, parent uint32) {
	enter(id, "proxy_on_context_create")
	defer guard()
	if parent != 0 {
		streams.Open(id, parent)
		return
	}
	createPlugin(id)
}

//go:wasmexport proxy_on_vm_start
func onVMStart(_, size uint32) (ok uint32) {
	enter(0, "proxy_on_vm_start")
	defer guard()
	if startVM(size) {
		return 1
	}
	return 0
}

//go:wasmexport proxy_on_configure
func onConfigure(root, size uint32) (ok uint32) {
	enter(root, "proxy_on_configure")
	defer guard()
	if startPlugin(root, size) {
		return 1
	}
	return 0
}

//go:wasmexport proxy_on_tick
func onTick(root uint32) {
	enter(root, "proxy_on_tick")
	defer guard()
	plugin(root).OnTick()
	tellAllocations()
}

//go:wasmexport proxy_on_request_headers
func onRequestHeaders(id, _, _ uint32) (action uint32) {
	action = pause
	enter(id, "proxy_on_request_headers")
	defer guard()
	return answered(streams.Headers(id))
}

//go:wasmexport proxy_on_request_body
func onRequestBody(id, _, _ uint32) (action uint32) {
	action = pause
	enter(id, "proxy_on_request_body")
	defer guard()
	return answered(streams.Body(id))
}

//go:wasmexport proxy_on_request_trailers
func onRequestTrailers(id, _ uint32) (action uint32) {
	action = pause
	enter(id, "proxy_on_request_trailers")
	defer guard()
	return answered(streams.Trailers(id))
}

//go:wasmexport proxy_on_http_call_response
func onHTTPCallResponse(root, call, headers, bodySize, trailers uint32) {
	enter(root, "proxy_on_http_call_response")
	defer guard()
	landed(root, call, int(headers), int(bodySize))
}

// grpcOK is the status of a successful call (google.golang.org/grpc/codes).
const grpcOK = 0

//go:wasmexport proxy_on_grpc_receive
func onGRPCReceive(root, call, size uint32) {
	enter(root, "proxy_on_grpc_receive")
	defer guard()
	landed(root, call, grpcOK, int(size))
}

// onGRPCClose is how a unary call without a message ends.
//
//go:wasmexport proxy_on_grpc_close
func onGRPCClose(root, call, status uint32) {
	enter(root, "proxy_on_grpc_close")
	defer guard()
	landed(root, call, max(int(status), 1), 0)
}

//go:wasmexport proxy_on_queue_ready
func onQueue(root, queue uint32) {
	enter(root, "proxy_on_queue_ready")
	defer guard()
	queueReady(root, queue)
}

// There is no proxy_on_done: it could only delay a context's end, and comes
// right after this.
//
//go:wasmexport proxy_on_log
func onLog(id uint32) {
	enter(id, "proxy_on_log")
	defer guard()
	streams.Log(id)
}

//go:wasmexport proxy_on_delete
func onDelete(id uint32) {
	enter(id, "proxy_on_delete")
	defer guard()
	if streams.Delete(id) {
		return
	}
	deleted(id)
}

var streams Streams

// HandleStreams sets who handles streams. It is called once, before the first
// stream.
func HandleStreams(s Streams) { streams = s }

// answered is a request callback's answer as the host reads it.
func answered(pass bool) uint32 {
	if pass {
		return resume
	}
	return pause
}

// The actions (proxy_action_t). pause is also the answer of a request callback
// that panicked.
const (
	resume uint32 = 0
	pause  uint32 = 1
)
