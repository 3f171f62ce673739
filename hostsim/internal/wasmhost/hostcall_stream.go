package wasmhost

import (
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
)

// Stream types, as the guest numbers them.
const (
	StreamRequest uint32 = iota
	StreamResponse
	StreamDownstream
	StreamUpstream
)

// proxyContinueStream(type) lets a paused stream go on, after the callback. OK and nothing happens when the context has
// no stream. Unimplemented: upstream. BadArgument: unknown type.
func proxyContinueStream(v *VM, p []uint64) uint32 {
	if uint32(p[0]) > StreamUpstream {
		return uint32(abi.StatusBadArgument)
	}
	return uint32(v.contextOrEffective().ContinueStream(uint32(p[0])))
}

func proxyContinueRequest(v *VM, _ []uint64) uint32 {
	return proxyContinueStream(v, []uint64{uint64(StreamRequest)})
}

func proxyContinueResponse(v *VM, _ []uint64) uint32 {
	return proxyContinueStream(v, []uint64{uint64(StreamResponse)})
}

// proxyCloseStream(type) resets an HTTP stream or closes a connection, after the callback; a type that is not the
// context's does nothing. BadArgument: unknown type.
func proxyCloseStream(v *VM, p []uint64) uint32 {
	if uint32(p[0]) > StreamUpstream {
		return uint32(abi.StatusBadArgument)
	}
	return uint32(v.contextOrEffective().CloseStream(uint32(p[0])))
}

// proxySendLocalResponse(status, details, size, body, size, headers, size, grpc status) answers the client, after the
// callback, and makes the callback's action a stop. OK and nothing happens when the context has no stream.
func proxySendLocalResponse(v *VM, p []uint64) uint32 {
	details, ok := v.read(p[1], p[2])
	body, ok2 := v.read(p[3], p[4])
	headers, ok3 := v.read(p[5], p[6])
	if !ok || !ok2 || !ok3 {
		return uint32(abi.StatusInvalidMemoryAccess)
	}
	v.stopNext = true
	pairs, _ := wire.ParsePairs(headers)
	v.contextOrEffective().SendLocalResponse(LocalResponse{
		Status: int(uint16(p[0])), Details: string(details), Body: body, Headers: pairs, GRPC: int32(uint32(p[7])),
	})
	return uint32(abi.StatusOK)
}

// proxyHTTPCall(cluster, size, headers, size, body, size, trailers, size, timeout ms, id*) dispatches a call that belongs
// to the context's root. BadArgument: unknown cluster, no :method, :path or :authority, negative timeout.
// InternalFailure: no healthy host. In both cases no callback follows.
func proxyHTTPCall(v *VM, p []uint64) uint32 {
	cluster, ok := v.read(p[0], p[1])
	headers, ok2 := v.read(p[2], p[3])
	body, ok3 := v.read(p[4], p[5])
	trailers, ok4 := v.read(p[6], p[7])
	if !ok || !ok2 || !ok3 || !ok4 || !v.writeU32(p[9], 0) {
		return uint32(abi.StatusInvalidMemoryAccess)
	}
	pairs, _ := wire.ParsePairs(headers)
	trailing, _ := wire.ParsePairs(trailers)
	id, status := v.contextOrEffective().HTTPCall(HTTPCall{
		Cluster: string(cluster), Headers: pairs, Body: body, Trailers: trailing, TimeoutMS: int32(uint32(p[8])),
	})
	v.writeU32(p[9], id)
	return uint32(status)
}
