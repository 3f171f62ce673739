package hostsim

import "github.com/tetratelabs/wazero/api"

// callback numbers the functions that the host calls in the guest.
type callback int

const (
	onContextCreate callback = iota
	onVMStart
	onConfigure
	onTick
	onRequestHeaders
	onRequestBody
	onRequestTrailers
	onResponseHeaders
	onResponseBody
	onResponseTrailers
	onHTTPCallResponse
	onQueueReady
	onDone
	onLog
	onDelete
	onNewConnection
	onDownstreamData
	onUpstreamData
	onDownstreamClose
	onUpstreamClose
	onRequestMetadata
	onResponseMetadata
	onGRPCInitialMetadata
	onGRPCReceive
	onGRPCTrailingMetadata
	onGRPCClose
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
	onContextCreate:        {name: "proxy_on_context_create", params: 2},
	onVMStart:              {name: "proxy_on_vm_start", params: 2, results: oneI32},
	onConfigure:            {name: "proxy_on_configure", params: 2, results: oneI32},
	onTick:                 {name: "proxy_on_tick", params: 1},
	onRequestHeaders:       {name: "proxy_on_request_headers", params: 3, results: oneI32, paramsABI010: 2},
	onRequestBody:          {name: "proxy_on_request_body", params: 3, results: oneI32},
	onRequestTrailers:      {name: "proxy_on_request_trailers", params: 2, results: oneI32},
	onResponseHeaders:      {name: "proxy_on_response_headers", params: 3, results: oneI32, paramsABI010: 2},
	onResponseBody:         {name: "proxy_on_response_body", params: 3, results: oneI32},
	onResponseTrailers:     {name: "proxy_on_response_trailers", params: 2, results: oneI32},
	onHTTPCallResponse:     {name: "proxy_on_http_call_response", params: 5},
	onQueueReady:           {name: "proxy_on_queue_ready", params: 2},
	onDone:                 {name: "proxy_on_done", params: 1, results: oneI32},
	onLog:                  {name: "proxy_on_log", params: 1},
	onDelete:               {name: "proxy_on_delete", params: 1},
	onNewConnection:        {name: "proxy_on_new_connection", params: 1, results: oneI32},
	onDownstreamData:       {name: "proxy_on_downstream_data", params: 3, results: oneI32},
	onUpstreamData:         {name: "proxy_on_upstream_data", params: 3, results: oneI32},
	onDownstreamClose:      {name: "proxy_on_downstream_connection_close", params: 2},
	onUpstreamClose:        {name: "proxy_on_upstream_connection_close", params: 2},
	onRequestMetadata:      {name: "proxy_on_request_metadata", params: 2, results: oneI32},
	onResponseMetadata:     {name: "proxy_on_response_metadata", params: 2, results: oneI32},
	onGRPCInitialMetadata:  {name: "proxy_on_grpc_receive_initial_metadata", params: 3},
	onGRPCReceive:          {name: "proxy_on_grpc_receive", params: 3},
	onGRPCTrailingMetadata: {name: "proxy_on_grpc_receive_trailing_metadata", params: 3},
	onGRPCClose:            {name: "proxy_on_grpc_close", params: 3},
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
