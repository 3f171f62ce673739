//go:build wasip1

package abi

import "unsafe"

type ptr = unsafe.Pointer

//go:wasmimport env proxy_log
func log(level uint32, p ptr, n uint32) uint32

//go:wasmimport env proxy_get_log_level
func getLogLevel(level ptr) uint32

//go:wasmimport env proxy_get_status
func getStatus(code, p, n ptr) uint32

//go:wasmimport env proxy_get_current_time_nanoseconds
func getTime(t ptr) uint32

//go:wasmimport env proxy_set_tick_period_milliseconds
func SetTick(ms uint32) uint32

//go:wasmimport env proxy_set_effective_context
func SetEffectiveContext(id uint32) uint32

//go:wasmimport env proxy_done
func Done() uint32

//go:wasmimport env proxy_get_property
func getProperty(p ptr, n uint32, rp, rn ptr) uint32

//go:wasmimport env proxy_set_property
func setProperty(p ptr, n uint32, v ptr, vn uint32) uint32

//go:wasmimport env proxy_get_header_map_value
func getHeader(m uint32, k ptr, kn uint32, rp, rn ptr) uint32

//go:wasmimport env proxy_add_header_map_value
func addHeader(m uint32, k ptr, kn uint32, v ptr, vn uint32) uint32

//go:wasmimport env proxy_replace_header_map_value
func replaceHeader(m uint32, k ptr, kn uint32, v ptr, vn uint32) uint32

//go:wasmimport env proxy_remove_header_map_value
func removeHeader(m uint32, k ptr, kn uint32) uint32

//go:wasmimport env proxy_get_header_map_pairs
func getPairs(m uint32, rp, rn ptr) uint32

//go:wasmimport env proxy_set_header_map_pairs
func setPairs(m uint32, p ptr, n uint32) uint32

//go:wasmimport env proxy_get_header_map_size
func getMapSize(m uint32, n ptr) uint32

//go:wasmimport env proxy_get_buffer_status
func getBufferStatus(b uint32, n, flags ptr) uint32

//go:wasmimport env proxy_get_buffer_bytes
func getBuffer(b, start, length uint32, rp, rn ptr) uint32

//go:wasmimport env proxy_set_buffer_bytes
func setBuffer(b, start, length uint32, p ptr, n uint32) uint32

//go:wasmimport env proxy_continue_stream
func ContinueStream(stream uint32) uint32

//go:wasmimport env proxy_close_stream
func CloseStream(stream uint32) uint32

//go:wasmimport env proxy_send_local_response
func sendLocalResponse(code uint32, d ptr, dn uint32, b ptr, bn uint32, h ptr, hn uint32, grpc uint32) uint32

//go:wasmimport env proxy_http_call
func httpCall(c ptr, cn uint32, h ptr, hn uint32, b ptr, bn uint32, t ptr, tn uint32, ms uint32, id ptr) uint32

//go:wasmimport env proxy_get_shared_data
func getShared(k ptr, kn uint32, rp, rn, cas ptr) uint32

//go:wasmimport env proxy_set_shared_data
func setShared(k ptr, kn uint32, v ptr, vn uint32, cas uint32) uint32

//go:wasmimport env proxy_register_shared_queue
func registerQueue(n ptr, nn uint32, id ptr) uint32

//go:wasmimport env proxy_resolve_shared_queue
func resolveQueue(v ptr, vn uint32, n ptr, nn uint32, id ptr) uint32

//go:wasmimport env proxy_enqueue_shared_queue
func enqueue(id uint32, p ptr, n uint32) uint32

//go:wasmimport env proxy_dequeue_shared_queue
func dequeue(id uint32, rp, rn ptr) uint32

//go:wasmimport env proxy_define_metric
func defineMetric(kind uint32, n ptr, nn uint32, id ptr) uint32

//go:wasmimport env proxy_increment_metric
func IncrementMetric(id uint32, by int64) uint32

//go:wasmimport env proxy_record_metric
func RecordMetric(id uint32, value int64) uint32

//go:wasmimport env proxy_get_metric
func getMetric(id uint32, value ptr) uint32

//go:wasmimport env proxy_call_foreign_function
func callForeign(n ptr, nn uint32, a ptr, an uint32, rp, rn ptr) uint32

//go:wasmimport env proxy_grpc_call
func grpcCall(c ptr, cn uint32, s ptr, sn uint32, m ptr, mn uint32, md ptr, mdn uint32, b ptr, bn uint32, ms uint32, id ptr) uint32

//go:wasmimport env proxy_grpc_stream
func grpcStream(c ptr, cn uint32, s ptr, sn uint32, m ptr, mn uint32, md ptr, mdn uint32, id ptr) uint32

//go:wasmimport env proxy_grpc_send
func grpcSend(id uint32, p ptr, n uint32, end uint32) uint32

//go:wasmimport env proxy_grpc_cancel
func GRPCCancel(id uint32) uint32

//go:wasmimport env proxy_grpc_close
func GRPCClose(id uint32) uint32
