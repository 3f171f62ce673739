package hostsim

import "github.com/sallyport-gateway/sallyport/hostsim/internal/wire"

// Stream types, as the guest numbers them.
const (
	streamRequest uint32 = iota
	streamResponse
	streamDownstream
	streamUpstream
)

// proxyContinueStream(type) lets a paused stream go on, after the callback. OK and nothing happens when the context has
// no stream. Unimplemented: upstream. BadArgument: unknown type.
func proxyContinueStream(v *vm, p []uint64) uint32 {
	c := v.contextOrEffective()
	s := c.stream
	switch uint32(p[0]) {
	case streamRequest:
		if s != nil {
			v.later(s.continueDecoding)
		}
	case streamResponse:
		if s != nil {
			v.later(s.continueEncoding)
		}
	case streamDownstream:
		if c.connection != nil {
			v.later(c.connection.continueReading)
		}
		return uint32(StatusOK)
	case streamUpstream:
		return uint32(StatusUnimplemented)
	default:
		return uint32(StatusBadArgument)
	}
	if s != nil && !s.logging {
		s.requestMap, s.requestTrailerMap, s.requestChunk = nil, nil, nil
	}
	return uint32(StatusOK)
}

func proxyContinueRequest(v *vm, _ []uint64) uint32 {
	return proxyContinueStream(v, []uint64{uint64(streamRequest)})
}

func proxyContinueResponse(v *vm, _ []uint64) uint32 {
	return proxyContinueStream(v, []uint64{uint64(streamResponse)})
}

// proxyCloseStream(type) resets an HTTP stream or closes a connection, after the callback; a type that is not the
// context's does nothing. BadArgument: unknown type.
func proxyCloseStream(v *vm, p []uint64) uint32 {
	if uint32(p[0]) > streamUpstream {
		return uint32(StatusBadArgument)
	}
	c, network := v.contextOrEffective(), uint32(p[0]) >= streamDownstream
	if c.stream != nil && !network {
		v.later(func() { c.stream.reset("wasm_close_stream") })
	}
	if c.connection != nil && network {
		details := "wasm_downstream_close"
		if uint32(p[0]) == streamUpstream {
			details = "wasm_upstream_close"
		}
		v.later(func() { c.connection.close(closing{how: closedLocally, details: details}) })
	}
	return uint32(StatusOK)
}

// proxySendLocalResponse(status, details, size, body, size, headers, size, grpc status) answers the client, after the
// callback, and makes the callback's action a stop. OK and nothing happens when the context has no stream.
func proxySendLocalResponse(v *vm, p []uint64) uint32 {
	details, ok := v.read(p[1], p[2])
	body, ok2 := v.read(p[3], p[4])
	headers, ok3 := v.read(p[5], p[6])
	if !ok || !ok2 || !ok3 {
		return uint32(StatusInvalidMemoryAccess)
	}
	v.stopNext = true
	s := v.contextOrEffective().stream
	if s == nil {
		return uint32(StatusOK)
	}
	pairs, _ := wire.ParsePairs(headers)
	r := &localReply{
		status: int(uint16(p[0])), body: append([]byte(nil), body...), headers: pairs, details: detailsText(string(details)),
	}
	if grpc := int32(uint32(p[7])); grpc > 0 && grpc <= maxGRPCStatus {
		r.grpc = int(grpc)
	}
	v.later(func() { s.localReply(r) })
	return uint32(StatusOK)
}

const maxGRPCStatus = 16

// proxyHTTPCall(cluster, size, headers, size, body, size, trailers, size, timeout ms, id*) dispatches a call that belongs
// to the context's root. BadArgument: unknown cluster, no :method, :path or :authority, negative timeout.
// InternalFailure: no healthy host. In both cases no callback follows.
func proxyHTTPCall(v *vm, p []uint64) uint32 {
	cluster, ok := v.read(p[0], p[1])
	headers, ok2 := v.read(p[2], p[3])
	body, ok3 := v.read(p[4], p[5])
	trailers, ok4 := v.read(p[6], p[7])
	if !ok || !ok2 || !ok3 || !ok4 || !v.writeU32(p[9], 0) {
		return uint32(StatusInvalidMemoryAccess)
	}
	pairs, _ := wire.ParsePairs(headers)
	trailing, _ := wire.ParsePairs(trailers)
	id, status := v.contextOrEffective().root.httpCall(string(cluster), newHeaderMap(pairs),
		append([]byte(nil), body...), trailing, int32(uint32(p[8])))
	v.writeU32(p[9], id)
	return uint32(status)
}
