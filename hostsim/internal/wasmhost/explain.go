package wasmhost

import (
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// Explain says in a sentence why Envoy gives a hostcall the status that this one got, and where that is written; "" for
// Ok and for a callback.
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
	abi.StatusBadArgument:         "a number is none of those that the parameter knows",
	abi.StatusInvalidMemoryAccess: "a pointer or size lies outside of the guest's memory, or its allocator gave none",
	abi.StatusUnimplemented:       "Envoy has no such thing",
}

const (
	whyNoWrite = "there is no such map to write now: request headers until the request goes on, response headers until the response does, none in on_log"
	whyNoRead  = "there is no such map now: request maps until the request goes on, response maps in the response, call maps in the callout's callback"
	whyHandle  = "no call or stream has that id, or it has ended"
	whyMetric  = "no metric has that id in this VM"
)

// reasons are by hostcall and status. Source: Envoy source/extensions/common/wasm/context.cc, proxy-wasm-cpp-host
// src/exports.cc, and what the fidelity table calls measured.
var reasons = map[string]map[abi.Status]string{
	"proxy_log":                   {abi.StatusBadArgument: "the level is above 5, critical"},
	"proxy_set_effective_context": {abi.StatusBadArgument: "there is no such context: its stream has ended"},
	"proxy_done":                  {abi.StatusNotFound: "on_done has not answered false, so nothing waits for this"},
	"proxy_get_property": {abi.StatusNotFound: "Envoy knows no such path, or it has no value at this point of the stream",
		abi.StatusSerializationFailure: "it is a whole object, which Envoy hands over only by its members"},
	"proxy_set_property":             {abi.StatusNotFound: "the context has no stream to store it in", abi.StatusBadArgument: "it is set already, and was declared read only"},
	"proxy_get_header_map_value":     {abi.StatusNotFound: "the map has no such header", abi.StatusBadArgument: whyNoRead},
	"proxy_add_header_map_value":     {abi.StatusBadArgument: whyNoWrite},
	"proxy_replace_header_map_value": {abi.StatusBadArgument: whyNoWrite},
	"proxy_remove_header_map_value":  {abi.StatusBadArgument: whyNoWrite},
	"proxy_set_header_map_pairs":     {abi.StatusBadArgument: whyNoWrite},
	"proxy_get_header_map_size":      {abi.StatusBadArgument: whyNoWrite},
	"proxy_get_buffer_status":        {abi.StatusNotFound: "there is no such buffer now: it lives as long as its callback"},
	"proxy_get_buffer_bytes":         {abi.StatusNotFound: "there is no such buffer now: it lives as long as its callback"},
	"proxy_set_buffer_bytes": {abi.StatusNotFound: "there is no such buffer now: it lives as long as its callback",
		abi.StatusBadArgument: "the buffer is not to be written now, or the place is neither its beginning nor its end"},
	"proxy_continue_stream": {abi.StatusUnimplemented: "an upstream connection cannot be continued in Envoy"},
	"proxy_http_call": {abi.StatusBadArgument: "there is no such cluster, or :method, :path or :authority is missing",
		abi.StatusInternalFailure: "the cluster has no healthy host, or no more requests are allowed to it"},
	"proxy_grpc_call":             {abi.StatusParseFailure: "there is no such cluster, and the bytes are no GrpcService message", abi.StatusInternalFailure: "the call could not be started"},
	"proxy_grpc_stream":           {abi.StatusParseFailure: "there is no such cluster, and the bytes are no GrpcService message", abi.StatusInternalFailure: "the stream could not be started"},
	"proxy_grpc_send":             {abi.StatusBadArgument: "it is a call and not a stream", abi.StatusNotFound: whyHandle},
	"proxy_grpc_cancel":           {abi.StatusBadArgument: whyHandle, abi.StatusNotFound: whyHandle},
	"proxy_grpc_close":            {abi.StatusBadArgument: whyHandle, abi.StatusNotFound: whyHandle},
	"proxy_get_shared_data":       {abi.StatusNotFound: "nobody has stored that key under this vm_id"},
	"proxy_set_shared_data":       {abi.StatusCasMismatch: "another VM wrote the key since it was read: read it again, then decide"},
	"proxy_resolve_shared_queue":  {abi.StatusNotFound: "nobody has registered a queue of that name under that vm_id"},
	"proxy_enqueue_shared_queue":  {abi.StatusNotFound: "there is no queue with that id"},
	"proxy_dequeue_shared_queue":  {abi.StatusNotFound: "there is no queue with that id", abi.StatusEmpty: "the queue has no message: another VM may have taken it"},
	"proxy_define_metric":         {abi.StatusBadArgument: "the type is none of counter, gauge and histogram"},
	"proxy_increment_metric":      {abi.StatusBadArgument: "a histogram is recorded, and a counter only goes up", abi.StatusNotFound: whyMetric},
	"proxy_record_metric":         {abi.StatusNotFound: whyMetric},
	"proxy_get_metric":            {abi.StatusBadArgument: "a histogram cannot be read", abi.StatusNotFound: whyMetric},
	"proxy_call_foreign_function": {abi.StatusNotFound: "Envoy has no function of that name"},
}
