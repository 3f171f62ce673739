//go:build wasip1

package abi

import "unsafe"

// The hostcalls, as the host declares them: all parameters i32 (proxy-wasm-cpp-host
// include/proxy-wasm/exports.h). A p and an n are a pointer and a size; an rp
// and an rn are where the host writes a pointer and a size.

//go:wasmimport env proxy_log
func hostLog(level uint32, p unsafe.Pointer, n uint32) uint32

//go:wasmimport env proxy_get_current_time_nanoseconds
func hostGetCurrentTime(nanos unsafe.Pointer) uint32

//go:wasmimport env proxy_get_property
func hostGetProperty(p unsafe.Pointer, n uint32, rp, rn unsafe.Pointer) uint32

//go:wasmimport env proxy_set_property
func hostSetProperty(p unsafe.Pointer, n uint32, vp unsafe.Pointer, vn uint32) uint32

//go:wasmimport env proxy_get_header_map_pairs
func hostGetHeaderMapPairs(mapType uint32, rp, rn unsafe.Pointer) uint32

//go:wasmimport env proxy_get_header_map_value
func hostGetHeader(mapType uint32, p unsafe.Pointer, n uint32, rp, rn unsafe.Pointer) uint32

//go:wasmimport env proxy_remove_header_map_value
func hostRemoveHeader(mapType uint32, p unsafe.Pointer, n uint32) uint32

//go:wasmimport env proxy_replace_header_map_value
func hostReplaceHeader(mapType uint32, p unsafe.Pointer, n uint32, vp unsafe.Pointer, vn uint32) uint32

//go:wasmimport env proxy_get_buffer_bytes
func hostGetBufferBytes(buffer, start, size uint32, rp, rn unsafe.Pointer) uint32

//go:wasmimport env proxy_continue_stream
func hostContinueStream(stream uint32) uint32

//go:wasmimport env proxy_send_local_response
func hostSendLocalResponse(status uint32, dp unsafe.Pointer, dn uint32, bp unsafe.Pointer, bn uint32, hp unsafe.Pointer, hn uint32, grpcStatus int32) uint32

//go:wasmimport env proxy_http_call
func hostHTTPCall(cp unsafe.Pointer, cn uint32, hp unsafe.Pointer, hn uint32, bp unsafe.Pointer, bn uint32, tp unsafe.Pointer, tn uint32, timeoutMillis uint32, id unsafe.Pointer) uint32

//go:wasmimport env proxy_grpc_call
func hostGRPCCall(gp unsafe.Pointer, gn uint32, sp unsafe.Pointer, sn uint32, mp unsafe.Pointer, mn uint32, ip unsafe.Pointer, in uint32, bp unsafe.Pointer, bn uint32, timeoutMillis uint32, id unsafe.Pointer) uint32

//go:wasmimport env proxy_set_effective_context
func hostSetEffectiveContext(id uint32) uint32

//go:wasmimport env proxy_set_tick_period_milliseconds
func hostSetTickPeriod(millis uint32) uint32

//go:wasmimport env proxy_get_shared_data
func hostGetSharedData(kp unsafe.Pointer, kn uint32, rp, rn, cas unsafe.Pointer) uint32

//go:wasmimport env proxy_set_shared_data
func hostSetSharedData(kp unsafe.Pointer, kn uint32, vp unsafe.Pointer, vn uint32, cas uint32) uint32

//go:wasmimport env proxy_define_metric
func hostDefineMetric(metricType uint32, np unsafe.Pointer, nn uint32, id unsafe.Pointer) uint32

//go:wasmimport env proxy_increment_metric
func hostIncrementMetric(id uint32, offset int64) uint32

//go:wasmimport env proxy_record_metric
func hostRecordMetric(id uint32, value int64) uint32

//go:wasmimport env proxy_call_foreign_function
func hostCallForeignFunction(np unsafe.Pointer, nn uint32, ap unsafe.Pointer, an uint32, rp, rn unsafe.Pointer) uint32

//go:wasmimport env proxy_register_shared_queue
func hostRegisterSharedQueue(np unsafe.Pointer, nn uint32, id unsafe.Pointer) uint32

//go:wasmimport env proxy_enqueue_shared_queue
func hostEnqueueSharedQueue(id uint32, p unsafe.Pointer, n uint32) uint32

//go:wasmimport env proxy_dequeue_shared_queue
func hostDequeueSharedQueue(id uint32, rp, rn unsafe.Pointer) uint32
