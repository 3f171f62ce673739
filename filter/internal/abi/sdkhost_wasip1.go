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

// sdkBridge puts the real host behind the SDK. The hostcalls that the filter never
// makes answer Unimplemented without being imported.
//
// An out-variable of type **byte or *int is 8 bytes wide in Go's memory, and
// the host writes 4: each is zeroed first.
type sdkBridge struct{}

func (*sdkBridge) ProxyLog(level uint32, p *byte, n int) uint32 {
	return hostLog(level, unsafe.Pointer(p), uint32(n))
}

func (*sdkBridge) ProxyGetProperty(p *byte, n int, rp **byte, rn *int) uint32 {
	*rp, *rn = nil, 0
	return hostGetProperty(unsafe.Pointer(p), uint32(n), unsafe.Pointer(rp), unsafe.Pointer(rn))
}

func (*sdkBridge) ProxySendLocalResponse(status uint32, dp *byte, dn int, bp *byte, bn int, hp *byte, hn int, grpcStatus int32) uint32 {
	return hostSendLocalResponse(status, unsafe.Pointer(dp), uint32(dn), unsafe.Pointer(bp), uint32(bn), unsafe.Pointer(hp), uint32(hn), grpcStatus)
}

func (*sdkBridge) ProxyGetSharedData(kp *byte, kn int, rp **byte, rn *int, cas *uint32) uint32 {
	*rp, *rn, *cas = nil, 0, 0
	return hostGetSharedData(unsafe.Pointer(kp), uint32(kn), unsafe.Pointer(rp), unsafe.Pointer(rn), unsafe.Pointer(cas))
}

func (*sdkBridge) ProxySetSharedData(kp *byte, kn int, vp *byte, vn int, cas uint32) uint32 {
	return hostSetSharedData(unsafe.Pointer(kp), uint32(kn), unsafe.Pointer(vp), uint32(vn), cas)
}

func (*sdkBridge) ProxyContinueStream(stream uint32) uint32 { return hostContinueStream(stream) }

func (*sdkBridge) ProxyGetBufferBytes(buffer uint32, start, size int, rp **byte, rn *int) uint32 {
	*rp, *rn = nil, 0
	return hostGetBufferBytes(buffer, uint32(start), uint32(size), unsafe.Pointer(rp), unsafe.Pointer(rn))
}

func (*sdkBridge) ProxySetTickPeriodMilliseconds(period uint32) uint32 {
	return hostSetTickPeriod(period)
}
func (*sdkBridge) ProxySetEffectiveContext(id uint32) uint32 { return hostSetEffectiveContext(id) }

const unimplemented = uint32(Unimplemented)

func (*sdkBridge) ProxySetProperty(*byte, int, *byte, int) uint32      { return unimplemented }
func (*sdkBridge) ProxyRegisterSharedQueue(*byte, int, *uint32) uint32 { return unimplemented }
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
func (*sdkBridge) ProxyRemoveHeaderMapValue(uint32, *byte, int) uint32     { return unimplemented }
func (*sdkBridge) ProxyCloseStream(uint32) uint32                          { return unimplemented }
func (*sdkBridge) ProxyGetHeaderMapPairs(uint32, **byte, *int) uint32      { return unimplemented }
func (*sdkBridge) ProxySetHeaderMapPairs(uint32, *byte, int) uint32        { return unimplemented }
func (*sdkBridge) ProxySetBufferBytes(uint32, int, int, *byte, int) uint32 { return unimplemented }
func (*sdkBridge) ProxyCallForeignFunction(*byte, int, *byte, int, **byte, *int) uint32 {
	return unimplemented
}
func (*sdkBridge) ProxyDone() uint32                                    { return unimplemented }
func (*sdkBridge) ProxyDefineMetric(uint32, *byte, int, *uint32) uint32 { return unimplemented }
func (*sdkBridge) ProxyIncrementMetric(uint32, int64) uint32            { return unimplemented }
func (*sdkBridge) ProxyRecordMetric(uint32, uint64) uint32              { return unimplemented }
func (*sdkBridge) ProxyGetMetric(uint32, *uint64) uint32                { return unimplemented }

func (*sdkBridge) ProxyHttpCall(*byte, int, *byte, int, *byte, int, *byte, int, uint32, *uint32) uint32 {
	return unimplemented // callouts go through HTTPCall: the root context owns them
}
