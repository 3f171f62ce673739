package wasmhost

import (
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// Explain says in a sentence why Envoy gives a hostcall the status that this one got, and where that is documented; ""
// for Ok and for a callback.
func (e TraceEntry) Explain() string {
	if e.Callback || abi.Status(e.Result) == abi.StatusOK {
		return ""
	}
	why, ok := reasons[e.Name][abi.Status(e.Result)]
	if !ok {
		why, ok = commonReasons[abi.Status(e.Result)]
	}
	if !ok {
		return ""
	}
	return why + ": see " + specification + "#" + e.Name
}

const specification = "https://github.com/proxy-wasm/spec/blob/main/abi-versions/v0.2.1/README.md"

// commonReasons hold for any hostcall that has no reason of its own.
var commonReasons = map[abi.Status]string{
	abi.StatusBadArgument:         "a number is not one that the parameter allows",
	abi.StatusInvalidMemoryAccess: "a pointer or size is outside the guest's memory, or its allocator returned none",
	abi.StatusUnimplemented:       "Envoy does not implement this",
}

const (
	whyNoWrite = "there is no such map to write now: request headers can be written until the request goes on, response headers until the response does, no map in on_log"
	whyNoRead  = "there is no such map now: request maps are there until the request goes on, response maps during the response, call maps in the callout's callback"
	whyHandle  = "no call or stream has that id, or it has ended"
	whyMetric  = "no metric has that id in this VM"
)

// reasons are by hostcall and status. Source: Envoy source/extensions/common/wasm/context.cc, proxy-wasm-cpp-host
// src/exports.cc, and what the fidelity table calls measured.
var reasons = map[string]map[abi.Status]string{
	"proxy_log":                   {abi.StatusBadArgument: "the level is above 5, critical"},
	"proxy_set_effective_context": {abi.StatusBadArgument: "there is no such context: its stream has ended"},
	"proxy_done":                  {abi.StatusNotFound: "on_done has not returned false, so nothing waits for this"},
	"proxy_get_property": {abi.StatusNotFound: "Envoy does not know this path, or it has no value at this point of the stream",
		abi.StatusSerializationFailure: "it is a whole object, and Envoy returns only its members"},
	"proxy_set_property":             {abi.StatusNotFound: "the context has no stream to store it in", abi.StatusBadArgument: "it is already set and was declared read-only"},
	"proxy_get_header_map_value":     {abi.StatusNotFound: "the map has no such header", abi.StatusBadArgument: whyNoRead},
	"proxy_add_header_map_value":     {abi.StatusBadArgument: whyNoWrite},
	"proxy_replace_header_map_value": {abi.StatusBadArgument: whyNoWrite},
	"proxy_remove_header_map_value":  {abi.StatusBadArgument: whyNoWrite},
	"proxy_set_header_map_pairs":     {abi.StatusBadArgument: whyNoWrite},
	"proxy_get_header_map_size":      {abi.StatusBadArgument: whyNoWrite},
	"proxy_get_buffer_status":        {abi.StatusNotFound: "there is no such buffer now: it exists only during its callback"},
	"proxy_get_buffer_bytes":         {abi.StatusNotFound: "there is no such buffer now: it exists only during its callback"},
	"proxy_set_buffer_bytes": {abi.StatusNotFound: "there is no such buffer now: it exists only during its callback",
		abi.StatusBadArgument: "the buffer cannot be written now, or the position is neither its beginning nor its end"},
	"proxy_continue_stream": {abi.StatusUnimplemented: "an upstream connection cannot be continued in Envoy"},
	"proxy_http_call": {abi.StatusBadArgument: "there is no such cluster, or :method, :path or :authority is missing",
		abi.StatusInternalFailure: "the cluster has no healthy host, or no more requests to it are allowed"},
	"proxy_grpc_call":             {abi.StatusParseFailure: "there is no such cluster, and the bytes are not a valid GrpcService message", abi.StatusInternalFailure: "the call could not be started"},
	"proxy_grpc_stream":           {abi.StatusParseFailure: "there is no such cluster, and the bytes are not a valid GrpcService message", abi.StatusInternalFailure: "the stream could not be started"},
	"proxy_grpc_send":             {abi.StatusBadArgument: "it is a call, not a stream", abi.StatusNotFound: whyHandle},
	"proxy_grpc_cancel":           {abi.StatusBadArgument: whyHandle, abi.StatusNotFound: whyHandle},
	"proxy_grpc_close":            {abi.StatusBadArgument: whyHandle, abi.StatusNotFound: whyHandle},
	"proxy_get_shared_data":       {abi.StatusNotFound: "no such key is stored under this vm_id"},
	"proxy_set_shared_data":       {abi.StatusCasMismatch: "another VM wrote the key since it was read: read it again, then decide"},
	"proxy_resolve_shared_queue":  {abi.StatusNotFound: "no queue of that name is registered under that vm_id"},
	"proxy_enqueue_shared_queue":  {abi.StatusNotFound: "there is no queue with that id"},
	"proxy_dequeue_shared_queue":  {abi.StatusNotFound: "there is no queue with that id", abi.StatusEmpty: "the queue has no message: another VM may have taken it"},
	"proxy_define_metric":         {abi.StatusBadArgument: "the type is not counter, gauge or histogram"},
	"proxy_increment_metric":      {abi.StatusBadArgument: "a histogram can only be recorded, and a counter can only go up", abi.StatusNotFound: whyMetric},
	"proxy_record_metric":         {abi.StatusNotFound: whyMetric},
	"proxy_get_metric":            {abi.StatusBadArgument: "a histogram cannot be read", abi.StatusNotFound: whyMetric},
	"proxy_call_foreign_function": {abi.StatusNotFound: "Envoy has no function with that name"},
}
