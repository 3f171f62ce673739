//go:build wasip1

// Command gate is a small filter: a request waits until the server "auth" has said 200 to its token.
package main

import (
	"encoding/binary"
	"unsafe"
)

//go:wasmimport env proxy_log
func hostLog(level uint32, text string) uint32

//go:wasmimport env proxy_get_header_map_value
func hostGetHeader(kind uint32, name string, at, size *uint32) uint32

//go:wasmimport env proxy_http_call
func hostCall(cluster, headers, body, trailers string, milliseconds uint32, id *uint32) uint32

//go:wasmimport env proxy_set_effective_context
func hostUse(context uint32) uint32

//go:wasmimport env proxy_continue_stream
func hostContinue(stream uint32) uint32

//go:wasmimport env proxy_send_local_response
func hostReply(status uint32, details, body, headers string, grpc int32) uint32

const (
	requestHeaders, callHeaders = 0, 6
	goOn, pause                 = 0, 1
	warn                        = 3
	timeout                     = 500 // milliseconds
)

func main() {}

//go:wasmexport proxy_abi_version_0_2_1
func version() {}

// given is the memory that the host asked for, until it is read.
var given = map[uint32][]byte{}

//go:wasmexport proxy_on_memory_allocate
func allocate(size uint32) uint32 {
	b := make([]byte, size)
	at := uint32(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
	given[at] = b
	return at
}

// header is empty when there is none.
func header(kind uint32, name string) string {
	var at, size uint32
	if hostGetHeader(kind, name, &at, &size) != 0 {
		return ""
	}
	value := string(given[at][:size])
	delete(given, at)
	return value
}

// pairs is the ABI's form of headers: their number, their lengths, and then each with a zero byte behind it.
func pairs(headers ...string) string {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(headers)/2))
	for _, s := range headers {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
	}
	for _, s := range headers {
		b = append(append(b, s...), 0)
	}
	return string(b)
}

// waiting are the requests that wait for a call, by the call's id.
var waiting = map[uint32]uint32{}

//go:wasmexport proxy_on_context_create
func create(context, parent uint32) {}

//go:wasmexport proxy_on_request_headers
func onRequest(context, headers, end uint32) uint32 {
	check := pairs(":method", "GET", ":path", "/check", ":authority", "auth", "authorization", header(requestHeaders, "authorization"))
	var id uint32
	if hostCall("auth", check, "", pairs(), timeout, &id) != 0 {
		hostReply(503, "no_auth", "nobody to ask", pairs(), -1)
		return pause
	}
	waiting[id] = context
	return pause
}

//go:wasmexport proxy_on_http_call_response
func onAnswer(root, id, headers, body, trailers uint32) {
	request := waiting[id]
	delete(waiting, id)
	status := header(callHeaders, ":status")
	if hostUse(request) != 0 {
		return // the client has gone
	}
	if status == "200" {
		hostContinue(0)
		return
	}
	hostLog(warn, "auth said "+status)
	hostReply(403, "refused", "no", pairs(), -1)
}

//go:wasmexport proxy_on_delete
func onDelete(context uint32) {}
