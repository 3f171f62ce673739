//go:build wasip1

// Command hello is a small filter: a request must name its team, and every response brings a greeting.
package main

import (
	"encoding/binary"
	"encoding/json"
	"unsafe"
)

//go:wasmimport env proxy_log
func hostLog(level uint32, text string) uint32

//go:wasmimport env proxy_get_buffer_bytes
func hostGetBuffer(kind, start, most uint32, at, size *uint32) uint32

//go:wasmimport env proxy_get_header_map_value
func hostGetHeader(kind uint32, name string, at, size *uint32) uint32

//go:wasmimport env proxy_add_header_map_value
func hostAddHeader(kind uint32, name, value string) uint32

//go:wasmimport env proxy_send_local_response
func hostReply(status uint32, details, body, headers string, grpc int32) uint32

const (
	requestHeaders, responseHeaders = 0, 2
	pluginConfig                    = 7
	goOn, pause                     = 0, 1
	info, errorLevel                = 2, 4
)

var config struct {
	Greeting string `json:"greeting"`
}

// given is the memory that the host asked for, until it is read.
var given = map[uint32][]byte{}

func main() {}

//go:wasmexport proxy_abi_version_0_2_1
func version() {}

//go:wasmexport proxy_on_memory_allocate
func allocate(size uint32) uint32 {
	b := make([]byte, size)
	at := uint32(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
	given[at] = b
	return at
}

func take(at, size uint32) []byte {
	b := given[at]
	delete(given, at)
	return b[:size]
}

//go:wasmexport proxy_on_context_create
func create(context, parent uint32) {}

//go:wasmexport proxy_on_configure
func configure(context, size uint32) uint32 {
	var at uint32
	hostGetBuffer(pluginConfig, 0, size, &at, &size)
	if json.Unmarshal(take(at, size), &config) != nil || config.Greeting == "" {
		hostLog(errorLevel, "greeting: is missing")
		return 0
	}
	return 1
}

//go:wasmexport proxy_on_request_headers
func onRequest(context, headers, end uint32) uint32 {
	var at, size uint32
	if hostGetHeader(requestHeaders, "x-team", &at, &size) != 0 {
		none := binary.LittleEndian.AppendUint32(nil, 0)
		hostReply(403, "no_team", "name your team in x-team", string(none), -1)
		return pause
	}
	hostLog(info, "a request of team "+string(take(at, size)))
	return goOn
}

//go:wasmexport proxy_on_response_headers
func onResponse(context, headers, end uint32) uint32 {
	hostAddHeader(responseHeaders, "x-greeting", config.Greeting)
	return goOn
}
