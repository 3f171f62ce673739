package wasmhost

import (
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// envTable lists the module "env". args describes the parameters for the trace: see renderArgs.
// Source: proxy-wasm/spec abi-versions/v0.2.1, proxy-wasm-cpp-host src/wasm.cc registerCallbacks.
func envTable() []Hostcall {
	w := sig("i")
	env := func(name, params, args string, fn func(*VM, []uint64) uint32) Hostcall {
		return Hostcall{Module: moduleEnv, Name: name, Params: sig(params), Results: w, Args: args, fn: fn}
	}
	since := func(from abiVersion, h Hostcall) Hostcall { h.from = from; return h }
	until := func(to abiVersion, h Hostcall) Hostcall { h.to = to; return h }
	early := func(h Hostcall) Hostcall { h.atStart, h.inAllocator = true, true; return h }
	return []Hostcall{
		early(env("proxy_log", "iii", "L b", proxyLog)),
		since(abi021, env("proxy_get_log_level", "i", "_", proxyGetLogLevel)),
		env("proxy_get_status", "iii", "___", proxyGetStatus),
		env("proxy_get_current_time_nanoseconds", "i", "_", proxyGetCurrentTime),
		env("proxy_set_tick_period_milliseconds", "i", "u", proxySetTickPeriod),
		env("proxy_set_effective_context", "i", "u", proxySetEffectiveContext),
		env("proxy_done", "", "", proxyDone),

		env("proxy_get_property", "iiii", "s __", proxyGetProperty),
		env("proxy_set_property", "iiii", "s b", proxySetProperty),

		env("proxy_get_header_map_value", "iiiii", "m s __", proxyGetHeaderMapValue),
		env("proxy_add_header_map_value", "iiiii", "m s b", proxyAddHeaderMapValue),
		env("proxy_replace_header_map_value", "iiiii", "m s b", proxyReplaceHeaderMapValue),
		env("proxy_remove_header_map_value", "iii", "m s", proxyRemoveHeaderMapValue),
		env("proxy_get_header_map_pairs", "iii", "m __", proxyGetHeaderMapPairs),
		env("proxy_set_header_map_pairs", "iii", "m b", proxySetHeaderMapPairs),
		env("proxy_get_header_map_size", "ii", "m _", proxyGetHeaderMapSize),

		env("proxy_get_buffer_status", "iii", "B __", proxyGetBufferStatus),
		env("proxy_get_buffer_bytes", "iiiii", "B u u __", proxyGetBufferBytes),
		env("proxy_set_buffer_bytes", "iiiii", "B u u b", proxySetBufferBytes),

		since(abi020, env("proxy_continue_stream", "i", "S", proxyContinueStream)),
		since(abi020, env("proxy_close_stream", "i", "S", proxyCloseStream)),
		env("proxy_send_local_response", "iiiiiiii", "u s b b i", proxySendLocalResponse),
		until(abi010, env("proxy_continue_request", "", "", proxyContinueRequest)),
		until(abi010, env("proxy_continue_response", "", "", proxyContinueResponse)),
		until(abi010, env("proxy_clear_route_cache", "", "", answerOK)),
		until(abi010, env("proxy_get_configuration", "ii", "__", proxyGetConfiguration)),

		env("proxy_http_call", "iiiiiiiiii", "s b b b u _", proxyHTTPCall),
		env("proxy_grpc_call", "iiiiiiiiiiii", "b s s b b u _", proxyGRPCCall),
		env("proxy_grpc_stream", "iiiiiiiii", "b s s b _", proxyGRPCStream),
		env("proxy_grpc_send", "iiii", "u b u", proxyGRPCSend),
		env("proxy_grpc_cancel", "i", "u", proxyGRPCCancel),
		env("proxy_grpc_close", "i", "u", proxyGRPCClose),

		env("proxy_get_shared_data", "iiiii", "s __ _", proxyGetSharedData),
		env("proxy_set_shared_data", "iiiii", "s b u", proxySetSharedData),
		env("proxy_register_shared_queue", "iii", "s _", proxyRegisterSharedQueue),
		env("proxy_resolve_shared_queue", "iiiii", "s s _", proxyResolveSharedQueue),
		env("proxy_enqueue_shared_queue", "iii", "u b", proxyEnqueueSharedQueue),
		env("proxy_dequeue_shared_queue", "iii", "u __", proxyDequeueSharedQueue),

		env("proxy_define_metric", "iiii", "u s _", proxyDefineMetric),
		env("proxy_increment_metric", "iI", "u I", proxyIncrementMetric),
		env("proxy_record_metric", "iI", "u I", proxyRecordMetric),
		env("proxy_get_metric", "ii", "u _", proxyGetMetric),

		env("proxy_call_foreign_function", "iiiiii", "s b __", proxyCallForeignFunction),

		env("envoy_resolve_dns", "iii", "s _", envoyResolveDNS),

		early(env("pthread_equal", "ii", "u u", pthreadEqual)),
		{Module: moduleEnv, Name: "emscripten_notify_memory_growth", Params: sig("i"), Args: "u", fn: answerOK, atStart: true, inAllocator: true},
	}
}

func answerOK(*VM, []uint64) uint32 { return uint32(abi.StatusOK) }

func pthreadEqual(_ *VM, p []uint64) uint32 {
	if uint32(p[0]) == uint32(p[1]) {
		return 1
	}
	return 0
}
