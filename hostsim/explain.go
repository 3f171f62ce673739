package hostsim

// Explain says in a sentence why Envoy gives a hostcall the status that this one got, and where that is written; "" for
// Ok and for a callback.
func (e TraceEntry) Explain() string {
	if e.Callback || Status(e.Result) == StatusOK {
		return ""
	}
	why, ok := reasons[e.Name][Status(e.Result)]
	if !ok {
		why, ok = commonReasons[Status(e.Result)]
	}
	if !ok {
		return ""
	}
	return why + ": see " + specification + "#" + e.Name
}

const specification = "https://github.com/proxy-wasm/spec/blob/main/abi-versions/v0.2.1/README.md"

// commonReasons hold for any hostcall that has no reason of its own.
var commonReasons = map[Status]string{
	StatusBadArgument:         "a number is none of those that the parameter knows",
	StatusInvalidMemoryAccess: "a pointer or size lies outside of the guest's memory, or its allocator gave none",
	StatusUnimplemented:       "Envoy has no such thing",
}

const (
	whyNoWrite = "there is no such map to write now: request headers until the request goes on, response headers until the response does, none in on_log"
	whyNoRead  = "there is no such map now: request maps until the request goes on, response maps in the response, call maps in the callout's callback"
	whyHandle  = "no call or stream has that id, or it has ended"
	whyMetric  = "no metric has that id in this VM"
)

// reasons are by hostcall and status. Source: Envoy source/extensions/common/wasm/context.cc, proxy-wasm-cpp-host
// src/exports.cc, and what the fidelity table calls measured.
var reasons = map[string]map[Status]string{
	"proxy_log":                   {StatusBadArgument: "the level is above 5, critical"},
	"proxy_set_effective_context": {StatusBadArgument: "there is no such context: its stream has ended"},
	"proxy_done":                  {StatusNotFound: "on_done has not answered false, so nothing waits for this"},
	"proxy_get_property": {StatusNotFound: "Envoy knows no such path, or it has no value at this point of the stream",
		StatusSerializationFailure: "it is a whole object, which Envoy hands over only by its members"},
	"proxy_set_property":             {StatusNotFound: "the context has no stream to store it in", StatusBadArgument: "it is set already, and was declared read only"},
	"proxy_get_header_map_value":     {StatusNotFound: "the map has no such header", StatusBadArgument: whyNoRead},
	"proxy_add_header_map_value":     {StatusBadArgument: whyNoWrite},
	"proxy_replace_header_map_value": {StatusBadArgument: whyNoWrite},
	"proxy_remove_header_map_value":  {StatusBadArgument: whyNoWrite},
	"proxy_set_header_map_pairs":     {StatusBadArgument: whyNoWrite},
	"proxy_get_header_map_size":      {StatusBadArgument: whyNoWrite},
	"proxy_get_buffer_status":        {StatusNotFound: "there is no such buffer now: it lives as long as its callback"},
	"proxy_get_buffer_bytes":         {StatusNotFound: "there is no such buffer now: it lives as long as its callback"},
	"proxy_set_buffer_bytes": {StatusNotFound: "there is no such buffer now: it lives as long as its callback",
		StatusBadArgument: "the buffer is not to be written now, or the place is neither its beginning nor its end"},
	"proxy_continue_stream": {StatusUnimplemented: "an upstream connection cannot be continued in Envoy"},
	"proxy_http_call": {StatusBadArgument: "there is no such cluster, or :method, :path or :authority is missing",
		StatusInternalFailure: "the cluster has no healthy host, or no more requests are allowed to it"},
	"proxy_grpc_call":             {StatusParseFailure: "there is no such cluster, and the bytes are no GrpcService message", StatusInternalFailure: "the call could not be started"},
	"proxy_grpc_stream":           {StatusParseFailure: "there is no such cluster, and the bytes are no GrpcService message", StatusInternalFailure: "the stream could not be started"},
	"proxy_grpc_send":             {StatusBadArgument: "it is a call and not a stream", StatusNotFound: whyHandle},
	"proxy_grpc_cancel":           {StatusBadArgument: whyHandle, StatusNotFound: whyHandle},
	"proxy_grpc_close":            {StatusBadArgument: whyHandle, StatusNotFound: whyHandle},
	"proxy_get_shared_data":       {StatusNotFound: "nobody has stored that key under this vm_id"},
	"proxy_set_shared_data":       {StatusCasMismatch: "another VM wrote the key since it was read: read it again and decide anew"},
	"proxy_resolve_shared_queue":  {StatusNotFound: "nobody has registered a queue of that name under that vm_id"},
	"proxy_enqueue_shared_queue":  {StatusNotFound: "there is no queue with that id"},
	"proxy_dequeue_shared_queue":  {StatusNotFound: "there is no queue with that id", StatusEmpty: "the queue has no message: another VM may have taken it"},
	"proxy_define_metric":         {StatusBadArgument: "the type is none of counter, gauge and histogram"},
	"proxy_increment_metric":      {StatusBadArgument: "a histogram is recorded, and a counter only goes up", StatusNotFound: whyMetric},
	"proxy_record_metric":         {StatusNotFound: whyMetric},
	"proxy_get_metric":            {StatusBadArgument: "a histogram cannot be read", StatusNotFound: whyMetric},
	"proxy_call_foreign_function": {StatusNotFound: "Envoy has no function of that name"},
}
