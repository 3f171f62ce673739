package wasmhost

import "github.com/tetratelabs/wazero/api"

// Callback numbers the functions that the host calls in the guest.
type Callback int

const (
	OnContextCreate Callback = iota
	OnVMStart
	OnConfigure
	OnTick
	OnRequestHeaders
	OnRequestBody
	OnRequestTrailers
	OnResponseHeaders
	OnResponseBody
	OnResponseTrailers
	OnHTTPCallResponse
	onQueueReady
	OnDone
	OnLog
	OnDelete
	OnNewConnection
	OnDownstreamData
	OnUpstreamData
	OnDownstreamClose
	OnUpstreamClose
	OnRequestMetadata
	OnResponseMetadata
	OnGRPCInitialMetadata
	OnGRPCReceive
	OnGRPCTrailingMetadata
	OnGRPCClose
	onForeignFunction
	callbackCount
)

// callbackDef is a callback's export name and signature: all parameters are i32.
type callbackDef struct {
	name    string
	params  int
	results []api.ValueType
	// paramsABI010 is the number of parameters before ABI 0.2.0, when it differs.
	paramsABI010 int
}

var oneI32 = []api.ValueType{api.ValueTypeI32}

// callbackTable follows the order of the constants. Source: proxy-wasm-cpp-host src/wasm.cc getFunctions.
var callbackTable = [callbackCount]callbackDef{
	OnContextCreate:        {name: "proxy_on_context_create", params: 2},
	OnVMStart:              {name: "proxy_on_vm_start", params: 2, results: oneI32},
	OnConfigure:            {name: "proxy_on_configure", params: 2, results: oneI32},
	OnTick:                 {name: "proxy_on_tick", params: 1},
	OnRequestHeaders:       {name: "proxy_on_request_headers", params: 3, results: oneI32, paramsABI010: 2},
	OnRequestBody:          {name: "proxy_on_request_body", params: 3, results: oneI32},
	OnRequestTrailers:      {name: "proxy_on_request_trailers", params: 2, results: oneI32},
	OnResponseHeaders:      {name: "proxy_on_response_headers", params: 3, results: oneI32, paramsABI010: 2},
	OnResponseBody:         {name: "proxy_on_response_body", params: 3, results: oneI32},
	OnResponseTrailers:     {name: "proxy_on_response_trailers", params: 2, results: oneI32},
	OnHTTPCallResponse:     {name: "proxy_on_http_call_response", params: 5},
	onQueueReady:           {name: "proxy_on_queue_ready", params: 2},
	OnDone:                 {name: "proxy_on_done", params: 1, results: oneI32},
	OnLog:                  {name: "proxy_on_log", params: 1},
	OnDelete:               {name: "proxy_on_delete", params: 1},
	OnNewConnection:        {name: "proxy_on_new_connection", params: 1, results: oneI32},
	OnDownstreamData:       {name: "proxy_on_downstream_data", params: 3, results: oneI32},
	OnUpstreamData:         {name: "proxy_on_upstream_data", params: 3, results: oneI32},
	OnDownstreamClose:      {name: "proxy_on_downstream_connection_close", params: 2},
	OnUpstreamClose:        {name: "proxy_on_upstream_connection_close", params: 2},
	OnRequestMetadata:      {name: "proxy_on_request_metadata", params: 2, results: oneI32},
	OnResponseMetadata:     {name: "proxy_on_response_metadata", params: 2, results: oneI32},
	OnGRPCInitialMetadata:  {name: "proxy_on_grpc_receive_initial_metadata", params: 3},
	OnGRPCReceive:          {name: "proxy_on_grpc_receive", params: 3},
	OnGRPCTrailingMetadata: {name: "proxy_on_grpc_receive_trailing_metadata", params: 3},
	OnGRPCClose:            {name: "proxy_on_grpc_close", params: 3},
	onForeignFunction:      {name: "proxy_on_foreign_function", params: 3},
}

func (d *callbackDef) paramsFor(abi abiVersion) []api.ValueType {
	n := d.params
	if abi == abi010 && d.paramsABI010 != 0 {
		n = d.paramsABI010
	}
	types := make([]api.ValueType, n)
	for i := range types {
		types[i] = api.ValueTypeI32
	}
	return types
}
