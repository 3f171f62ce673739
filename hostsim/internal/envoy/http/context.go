package http

import (
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
)

// streamContext is the guest's context of an HTTP stream.
type streamContext struct {
	envoy.FlowContext
	stream *Stream
}

func newStreamContext(s *Stream) *streamContext {
	c := &streamContext{stream: s}
	c.FlowContext = envoy.NewFlowContext(&s.Flow, c, s)
	return c
}

// headerMap is the map that the guest may read now, nil when there is none. Source: Envoy context.cc getConstMap.
func (c *streamContext) headerMap(kind uint32) *header.Map {
	switch kind {
	case wasmhost.MapRequestHeaders:
		return c.stream.decode.seenHeaders
	case wasmhost.MapRequestTrailers:
		return c.stream.decode.seenTrailers
	case wasmhost.MapResponseHeaders:
		return c.stream.encode.seenHeaders
	case wasmhost.MapResponseTrailers:
		return c.stream.encode.seenTrailers
	}
	return c.Root.CallMap(kind)
}

// mutableMap is the map that the guest may write now: of the stream, and not in its log phase.
func (c *streamContext) mutableMap(kind uint32) *header.Map {
	if kind > wasmhost.MapResponseTrailers || c.stream.logging {
		return nil
	}
	return c.headerMap(kind)
}

// HeaderValue answers NotFound in the log phase, where otherwise a map that is not there is BadArgument.
func (c *streamContext) HeaderValue(kind uint32, name []byte) (string, bool, abi.Status) {
	m := c.headerMap(kind)
	if m == nil && c.stream.logging {
		return "", false, abi.StatusNotFound
	}
	return envoy.ValueIn(m, name)
}

// AddHeader takes any value: CR, LF and NUL go through, as in Envoy.
func (c *streamContext) AddHeader(kind uint32, name, value []byte) abi.Status {
	m := c.mutableMap(kind)
	if m == nil {
		return abi.StatusBadArgument
	}
	m.Put(c.Guest.HeaderName(name), c.Guest.Text.Keep(value))
	return abi.StatusOK
}

// ReplaceHeader removes all values and sets one.
func (c *streamContext) ReplaceHeader(kind uint32, name, value []byte) abi.Status {
	m := c.mutableMap(kind)
	if m == nil {
		return abi.StatusBadArgument
	}
	known := c.Guest.HeaderName(name)
	m.Remove(known.Text)
	m.Put(known, c.Guest.Text.Keep(value))
	return abi.StatusOK
}

// RemoveHeader removes all values.
func (c *streamContext) RemoveHeader(kind uint32, name []byte) abi.Status {
	m := c.mutableMap(kind)
	if m == nil {
		return abi.StatusBadArgument
	}
	m.Remove(c.Guest.HeaderName(name).Text)
	return abi.StatusOK
}

// HeaderPairs are a view.
func (c *streamContext) HeaderPairs(kind uint32) []wire.Pair { return c.headerMap(kind).Pairs() }

// SetHeaderPairs replaces the whole map.
func (c *streamContext) SetHeaderPairs(kind uint32, pairs *wire.Pairs) abi.Status {
	m := c.mutableMap(kind)
	if m == nil {
		return abi.StatusBadArgument
	}
	m.List = m.List[:0] // nothing else holds it: what leaves is a copy
	for {
		name, value, ok := pairs.Next()
		if !ok {
			break
		}
		m.Put(c.Guest.HeaderName(name), c.Guest.Text.Keep(value))
	}
	if !pairs.Whole() {
		m.List = m.List[:0]
	}
	return abi.StatusOK
}

// HeaderSize is the number of bytes of all names and values.
func (c *streamContext) HeaderSize(kind uint32) (int, abi.Status) {
	m := c.mutableMap(kind)
	if m == nil {
		return 0, abi.StatusBadArgument
	}
	return m.ByteSize(), abi.StatusOK
}

// chunk is the body that the guest may read and write now; nil when there is none. Source: Envoy context.cc getBuffer.
func (c *streamContext) chunk(kind uint32) *[]byte {
	switch kind {
	case wasmhost.BufferRequestBody:
		return c.stream.decode.seenBody
	case wasmhost.BufferResponseBody:
		return c.stream.encode.seenBody
	}
	return nil
}

// Buffer also has the bodies.
func (c *streamContext) Buffer(kind uint32) (data []byte, found bool) {
	if p := c.chunk(kind); p != nil {
		return *p, true
	}
	return c.BaseContext.Buffer(kind)
}

// SetBuffer also writes the bodies.
func (c *streamContext) SetBuffer(kind, start, length uint32, data []byte) abi.Status {
	if p := c.chunk(kind); p != nil {
		return envoy.SetBuffer(p, start, length, data)
	}
	return c.BaseContext.SetBuffer(kind, start, length, data)
}

// ContinueStream lets the request or the response go on. Whichever it is, the request cannot be reached any more.
func (c *streamContext) ContinueStream(kind uint32) abi.Status {
	s := c.stream
	switch kind {
	case wasmhost.StreamRequest:
		c.Guest.Later(s.continueDecoding)
	case wasmhost.StreamResponse:
		c.Guest.Later(s.continueEncoding)
	default:
		return c.BaseContext.ContinueStream(kind)
	}
	if !s.logging {
		s.decode.seenHeaders, s.decode.seenTrailers, s.decode.seenBody = nil, nil, nil
	}
	return abi.StatusOK
}

// CloseStream resets the stream.
func (c *streamContext) CloseStream(kind uint32) abi.Status {
	if kind == wasmhost.StreamRequest || kind == wasmhost.StreamResponse {
		c.Guest.Later(func() { c.stream.reset("wasm_close_stream") })
	}
	return abi.StatusOK
}

// SendLocalResponse answers the client.
func (c *streamContext) SendLocalResponse(given wasmhost.LocalResponse) {
	r := &localReply{
		status: given.Status, body: append([]byte(nil), given.Body...), headers: given.Headers, details: detailsText(given.Details),
	}
	if given.GRPC > 0 && given.GRPC <= envoy.MaxGRPCStatus {
		r.grpc = int(given.GRPC)
	}
	c.Guest.Later(func() { c.stream.localReply(r) })
}
