//go:build wasip1

// Command guest is the toy gateway of the scenario package as a proxy-wasm module, on the bare ABI: it asks a key
// service about x-key, removes it, names the caller and lets the call through.
package main

import (
	"encoding/binary"
	"strings"
	"unsafe"
)

//go:wasmimport env proxy_log
func hostLog(level int32, message string) int32

//go:wasmimport env proxy_get_buffer_bytes
func hostBuffer(kind, start, most int32, data, size *uint32) int32

//go:wasmimport env proxy_get_header_map_value
func hostGetHeader(kind int32, name string, data, size *uint32) int32

//go:wasmimport env proxy_remove_header_map_value
func hostRemoveHeader(kind int32, name string) int32

//go:wasmimport env proxy_add_header_map_value
func hostAddHeader(kind int32, name, value string) int32

//go:wasmimport env proxy_http_call
func hostCall(cluster, headers, body, trailers string, timeout int32, id *uint32) int32

//go:wasmimport env proxy_set_effective_context
func hostSelect(context uint32) int32

//go:wasmimport env proxy_continue_stream
func hostContinue(kind int32) int32

//go:wasmimport env proxy_send_local_response
func hostReply(status int32, details, body, headers string, grpc int32) int32

//go:wasmimport env proxy_define_metric
func hostDefine(kind int32, name string, id *uint32) int32

//go:wasmimport env proxy_increment_metric
func hostIncrement(id uint32, offset int64) int32

const (
	requestHeaders = 0
	callHeaders    = 6
	pluginConfig   = 7
	goOn, pause    = 0, 1
	callTimeout    = 1000 // ms
)

var (
	taken           = map[uint32][]byte{} // what the host allocated, by address
	waiting         = map[uint32]uint32{} // callout -> stream
	realm, service  string
	allowed, denied uint32
)

func main() {}

//go:wasmexport proxy_abi_version_0_2_1
func version() {}

//go:wasmexport proxy_on_memory_allocate
func allocate(size uint32) uint32 {
	b := make([]byte, size)
	at := uint32(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
	taken[at] = b
	return at
}

func read(at, size uint32) string {
	if size == 0 {
		return ""
	}
	s := string(taken[at][:size])
	delete(taken, at)
	return s
}

//go:wasmexport proxy_on_context_create
func create(_, _ uint32) {}

//go:wasmexport proxy_on_vm_start
func vmStart(_, _ uint32) uint32 { return 1 }

//go:wasmexport proxy_on_configure
func configure(_, _ uint32) uint32 {
	var at, size uint32
	hostBuffer(pluginConfig, 0, 1<<20, &at, &size)
	config := read(at, size)
	realm, service = member(config, "realm"), member(config, "service")
	if realm == "" {
		hostLog(4, "realm: is missing, want a text")
		return 0
	}
	hostDefine(0, "toy.allowed", &allowed)
	hostDefine(0, "toy.denied", &denied)
	return 1
}

// member is good enough for {"name":"value"}.
func member(config, name string) string {
	_, rest, _ := strings.Cut(config, `"`+name+`":"`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

//go:wasmexport proxy_on_request_headers
func onRequest(stream, _, _ uint32) uint32 {
	var at, size uint32
	if hostGetHeader(requestHeaders, "x-hang", &at, &size) == 0 {
		read(at, size)
		return pause // and nobody ever resumes it
	}
	if hostGetHeader(requestHeaders, "x-key", &at, &size) != 0 {
		return deny("key.missing")
	}
	key := read(at, size)
	hostLog(2, "asked the key service")
	call := pairs(":method", "POST", ":path", "/check", ":authority", service, "content-type", "text/plain")
	var id uint32
	if hostCall(service, call, key, "", callTimeout, &id) != 0 {
		return deny("service.unreachable")
	}
	waiting[id] = stream
	return pause
}

//go:wasmexport proxy_on_request_body
func onBody(stream, _, _ uint32) uint32 {
	for _, waits := range waiting {
		if waits == stream {
			return pause
		}
	}
	return goOn
}

//go:wasmexport proxy_on_http_call_response
func onAnswer(_, id, headers, _, _ uint32) {
	stream := waiting[id]
	delete(waiting, id)
	status := ""
	if headers > 0 {
		var at, size uint32
		hostGetHeader(callHeaders, ":status", &at, &size)
		status = read(at, size)
	}
	if hostSelect(stream) != 0 {
		return
	}
	switch {
	case status == "":
		deny("service.cut")
	case status == "502" || status == "503" || status == "504":
		deny("service." + status)
	case status != "200":
		deny("key.refused")
	default:
		hostRemoveHeader(requestHeaders, "x-key")
		hostAddHeader(requestHeaders, "x-user", "alice")
		hostIncrement(allowed, 1)
		hostContinue(0)
	}
}

func deny(reason string) uint32 {
	hostIncrement(denied, 1)
	hostReply(401, reason, `{"reason":"`+reason+`"}`,
		pairs("content-type", "application/json", "www-authenticate", `Key realm="`+realm+`"`), -1)
	return pause
}

//go:wasmexport proxy_on_log
func onLog(_ uint32) {}

//go:wasmexport proxy_on_done
func onDone(_ uint32) uint32 { return 1 }

//go:wasmexport proxy_on_delete
func onDelete(_ uint32) {}

// pairs is the ABI's form of a header map: the number, the sizes, then each text with a NUL.
func pairs(texts ...string) string {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(texts)/2))
	for _, t := range texts {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(t)))
	}
	for _, t := range texts {
		b = append(append(b, t...), 0)
	}
	return string(b)
}
