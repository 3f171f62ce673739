//go:build wasip1

package abi

import "unsafe"

// sdkHost has the very method set of the SDK's internal.ProxyWasmHost. The two
// are different types to the compiler, but an interface value's method table is
// ordered by method name alone, so a value of one can be handed over as the
// other. The SDK's enum types are all 32-bit integers: uint32 stands for them.
type sdkHost interface {
	ProxyLog(level uint32, p *byte, n int) uint32
	ProxySetProperty(p *byte, n int, vp *byte, vn int) uint32
	ProxyGetProperty(p *byte, n int, rp **byte, rn *int) uint32
	ProxySendLocalResponse(status uint32, dp *byte, dn int, bp *byte, bn int, hp *byte, hn int, grpcStatus int32) uint32
	ProxyGetSharedData(kp *byte, kn int, rp **byte, rn *int, cas *uint32) uint32
	ProxySetSharedData(kp *byte, kn int, vp *byte, vn int, cas uint32) uint32
	ProxyRegisterSharedQueue(p *byte, n int, id *uint32) uint32
	ProxyResolveSharedQueue(vp *byte, vn int, p *byte, n int, id *uint32) uint32
	ProxyDequeueSharedQueue(id uint32, rp **byte, rn *int) uint32
	ProxyEnqueueSharedQueue(id uint32, p *byte, n int) uint32
	ProxyGetHeaderMapValue(mapType uint32, kp *byte, kn int, rp **byte, rn *int) uint32
	ProxyAddHeaderMapValue(mapType uint32, kp *byte, kn int, vp *byte, vn int) uint32
	ProxyReplaceHeaderMapValue(mapType uint32, kp *byte, kn int, vp *byte, vn int) uint32
	ProxyContinueStream(stream uint32) uint32
	ProxyCloseStream(stream uint32) uint32
	ProxyRemoveHeaderMapValue(mapType uint32, kp *byte, kn int) uint32
	ProxyGetHeaderMapPairs(mapType uint32, rp **byte, rn *int) uint32
	ProxySetHeaderMapPairs(mapType uint32, p *byte, n int) uint32
	ProxyGetBufferBytes(buffer uint32, start, size int, rp **byte, rn *int) uint32
	ProxySetBufferBytes(buffer uint32, start, size int, p *byte, n int) uint32
	ProxyHttpCall(cp *byte, cn int, hp *byte, hn int, bp *byte, bn int, tp *byte, tn int, timeout uint32, id *uint32) uint32
	ProxyCallForeignFunction(np *byte, nn int, ap *byte, an int, rp **byte, rn *int) uint32
	ProxySetTickPeriodMilliseconds(period uint32) uint32
	ProxySetEffectiveContext(id uint32) uint32
	ProxyDone() uint32
	ProxyDefineMetric(metricType uint32, np *byte, nn int, id *uint32) uint32
	ProxyIncrementMetric(id uint32, offset int64) uint32
	ProxyRecordMetric(id uint32, value uint64) uint32
	ProxyGetMetric(id uint32, value *uint64) uint32
}

// sdkBridge puts the real host behind the SDK, for what the life of VM and plugin
// needs: their configuration and the tick. Everything else answers Unimplemented.
//
// An out-variable of type **byte or *int is 8 bytes wide in Go's memory, and
// the host writes 4: each is zeroed first.
type sdkBridge struct{}

func (*sdkBridge) ProxyGetBufferBytes(buffer uint32, start, size int, rp **byte, rn *int) uint32 {
	*rp, *rn = nil, 0
	return hostGetBufferBytes(buffer, uint32(start), uint32(size), unsafe.Pointer(rp), unsafe.Pointer(rn))
}

func (*sdkBridge) ProxySetTickPeriodMilliseconds(period uint32) uint32 {
	return hostSetTickPeriod(period)
}

const unimplemented = uint32(Unimplemented)

func (*sdkBridge) ProxyLog(uint32, *byte, int) uint32               { return unimplemented }
func (*sdkBridge) ProxySetProperty(*byte, int, *byte, int) uint32   { return unimplemented }
func (*sdkBridge) ProxyGetProperty(*byte, int, **byte, *int) uint32 { return unimplemented }
func (*sdkBridge) ProxySendLocalResponse(uint32, *byte, int, *byte, int, *byte, int, int32) uint32 {
	return unimplemented
}
func (*sdkBridge) ProxyGetSharedData(*byte, int, **byte, *int, *uint32) uint32 { return unimplemented }
func (*sdkBridge) ProxySetSharedData(*byte, int, *byte, int, uint32) uint32    { return unimplemented }
func (*sdkBridge) ProxyRegisterSharedQueue(*byte, int, *uint32) uint32         { return unimplemented }
func (*sdkBridge) ProxyResolveSharedQueue(*byte, int, *byte, int, *uint32) uint32 {
	return unimplemented
}
func (*sdkBridge) ProxyDequeueSharedQueue(uint32, **byte, *int) uint32 { return unimplemented }
func (*sdkBridge) ProxyEnqueueSharedQueue(uint32, *byte, int) uint32   { return unimplemented }
func (*sdkBridge) ProxyGetHeaderMapValue(uint32, *byte, int, **byte, *int) uint32 {
	return unimplemented
}
func (*sdkBridge) ProxyAddHeaderMapValue(uint32, *byte, int, *byte, int) uint32 { return unimplemented }
func (*sdkBridge) ProxyReplaceHeaderMapValue(uint32, *byte, int, *byte, int) uint32 {
	return unimplemented
}
func (*sdkBridge) ProxyContinueStream(uint32) uint32                       { return unimplemented }
func (*sdkBridge) ProxyCloseStream(uint32) uint32                          { return unimplemented }
func (*sdkBridge) ProxyRemoveHeaderMapValue(uint32, *byte, int) uint32     { return unimplemented }
func (*sdkBridge) ProxyGetHeaderMapPairs(uint32, **byte, *int) uint32      { return unimplemented }
func (*sdkBridge) ProxySetHeaderMapPairs(uint32, *byte, int) uint32        { return unimplemented }
func (*sdkBridge) ProxySetBufferBytes(uint32, int, int, *byte, int) uint32 { return unimplemented }
func (*sdkBridge) ProxyHttpCall(*byte, int, *byte, int, *byte, int, *byte, int, uint32, *uint32) uint32 {
	return unimplemented
}
func (*sdkBridge) ProxyCallForeignFunction(*byte, int, *byte, int, **byte, *int) uint32 {
	return unimplemented
}
func (*sdkBridge) ProxySetEffectiveContext(uint32) uint32               { return unimplemented }
func (*sdkBridge) ProxyDone() uint32                                    { return unimplemented }
func (*sdkBridge) ProxyDefineMetric(uint32, *byte, int, *uint32) uint32 { return unimplemented }
func (*sdkBridge) ProxyIncrementMetric(uint32, int64) uint32            { return unimplemented }
func (*sdkBridge) ProxyRecordMetric(uint32, uint64) uint32              { return unimplemented }
func (*sdkBridge) ProxyGetMetric(uint32, *uint64) uint32                { return unimplemented }
