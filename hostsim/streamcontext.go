package hostsim

import "github.com/sallyport-gateway/sallyport/hostsim/internal/wire"

// flowContext is what the contexts of a stream and of a connection have in common.
type flowContext struct {
	baseContext
	flow *flow
	of   asked // the stream or the connection
}

// enter makes the guest's context, once, unless the VM has crashed.
func (c *flowContext) enter() {
	if c.created || c.guest.Failed() {
		return
	}
	c.id = c.guest.NextID()
	c.guest.Enter(c.self)
	c.create(c.root.id)
}

// forget takes the context out of the VM.
func (c *flowContext) forget() { c.guest.Leave(c.id) }

// Counted notes a hostcall of the stream, too.
func (c *flowContext) Counted() {
	c.baseContext.Counted()
	c.flow.hostcalls++
}

// CallForeign may set filter state.
func (c *flowContext) CallForeign(name string, argument []byte) ([]byte, Status, bool) {
	return c.callForeign(name, argument, c.flow.filterState)
}

// SetProperty stores filter state of the stream. BadArgument: it is set and was declared read only.
func (c *flowContext) SetProperty(name, value []byte) Status {
	path := c.guest.propertyPath(name)
	old, set := c.flow.filterState[path.stateKey]
	if set && c.root.declared[path.text] {
		return StatusBadArgument
	}
	c.flow.filterState[path.stateKey] = append(old[:0], value...)
	return StatusOK
}

// streamContext is the guest's context of an HTTP stream.
type streamContext struct {
	flowContext
	stream *httpStream
}

func newStreamContext(s *httpStream) *streamContext {
	in := s.instance
	c := &streamContext{flowContext{baseContext{guest: in.guest, host: s.host, root: in.root}, &s.flow, s}, s}
	c.self = c
	return c
}

// headerMap is the map that the guest may read now, nil when there is none. Source: Envoy context.cc getConstMap.
func (c *streamContext) headerMap(kind uint32) *headerMap {
	switch kind {
	case mapRequestHeaders:
		return c.stream.requestMap
	case mapRequestTrailers:
		return c.stream.requestTrailerMap
	case mapResponseHeaders:
		return c.stream.responseMap
	case mapResponseTrailers:
		return c.stream.responseTrailerMap
	}
	return c.root.callMap(kind)
}

// mutableMap is the map that the guest may write now: of the stream, and not in its log phase.
func (c *streamContext) mutableMap(kind uint32) *headerMap {
	if kind > mapResponseTrailers || c.stream.logging {
		return nil
	}
	return c.headerMap(kind)
}

// HeaderValue is NotFound in the log phase where otherwise a map that is not there is BadArgument.
func (c *streamContext) HeaderValue(kind uint32, name []byte) (string, bool, Status) {
	m := c.headerMap(kind)
	if m == nil && c.stream.logging {
		return "", false, StatusNotFound
	}
	return valueIn(m, name)
}

// AddHeader takes any value: CR, LF and NUL go through, as in Envoy.
func (c *streamContext) AddHeader(kind uint32, name, value []byte) Status {
	m := c.mutableMap(kind)
	if m == nil {
		return StatusBadArgument
	}
	m.put(c.guest.headerName(name), c.guest.text.keep(value))
	return StatusOK
}

// ReplaceHeader removes all values and sets one.
func (c *streamContext) ReplaceHeader(kind uint32, name, value []byte) Status {
	m := c.mutableMap(kind)
	if m == nil {
		return StatusBadArgument
	}
	known := c.guest.headerName(name)
	m.remove(known.text)
	m.put(known, c.guest.text.keep(value))
	return StatusOK
}

// RemoveHeader removes all values.
func (c *streamContext) RemoveHeader(kind uint32, name []byte) Status {
	m := c.mutableMap(kind)
	if m == nil {
		return StatusBadArgument
	}
	m.remove(c.guest.headerName(name).text)
	return StatusOK
}

// HeaderPairs are a view.
func (c *streamContext) HeaderPairs(kind uint32) []wire.Pair { return c.headerMap(kind).pairs() }

// SetHeaderPairs replaces the whole map.
func (c *streamContext) SetHeaderPairs(kind uint32, pairs *wire.Pairs) Status {
	m := c.mutableMap(kind)
	if m == nil {
		return StatusBadArgument
	}
	m.h = m.h[:0] // nobody else holds it: what leaves is a copy
	for {
		name, value, ok := pairs.Next()
		if !ok {
			break
		}
		m.put(c.guest.headerName(name), c.guest.text.keep(value))
	}
	if !pairs.Whole() {
		m.h = m.h[:0]
	}
	return StatusOK
}

// HeaderSize is the bytes of all names and values.
func (c *streamContext) HeaderSize(kind uint32) (int, Status) {
	m := c.mutableMap(kind)
	if m == nil {
		return 0, StatusBadArgument
	}
	return m.byteSize(), StatusOK
}

// chunk is a body that the guest may read and write now; nil when there is none. Source: Envoy context.cc getBuffer.
func (c *streamContext) chunk(kind uint32) *[]byte {
	switch kind {
	case bufferRequestBody:
		return c.stream.requestChunk
	case bufferResponseBody:
		return c.stream.responseChunk
	}
	return nil
}

// Buffer also has the bodies.
func (c *streamContext) Buffer(kind uint32) (data []byte, found bool) {
	if p := c.chunk(kind); p != nil {
		return *p, true
	}
	return c.baseContext.Buffer(kind)
}

// SetBuffer also writes the bodies.
func (c *streamContext) SetBuffer(kind, start, length uint32, data []byte) Status {
	if p := c.chunk(kind); p != nil {
		return setBuffer(p, start, length, data)
	}
	return c.baseContext.SetBuffer(kind, start, length, data)
}

// ContinueStream lets the request or the response go on. Whichever it is, the request cannot be reached any more.
func (c *streamContext) ContinueStream(kind uint32) Status {
	s := c.stream
	switch kind {
	case streamRequest:
		c.guest.Later(s.continueDecoding)
	case streamResponse:
		c.guest.Later(s.continueEncoding)
	default:
		return c.baseContext.ContinueStream(kind)
	}
	if !s.logging {
		s.requestMap, s.requestTrailerMap, s.requestChunk = nil, nil, nil
	}
	return StatusOK
}

// CloseStream resets the stream.
func (c *streamContext) CloseStream(kind uint32) Status {
	if kind == streamRequest || kind == streamResponse {
		c.guest.Later(func() { c.stream.reset("wasm_close_stream") })
	}
	return StatusOK
}

// SendLocalResponse answers the client.
func (c *streamContext) SendLocalResponse(given LocalResponse) {
	r := &localReply{
		status: given.Status, body: append([]byte(nil), given.Body...), headers: given.Headers, details: detailsText(given.Details),
	}
	if given.GRPC > 0 && given.GRPC <= maxGRPCStatus {
		r.grpc = int(given.GRPC)
	}
	c.guest.Later(func() { c.stream.localReply(r) })
}

const maxGRPCStatus = 16

// connectionContext is the guest's context of a TCP connection.
type connectionContext struct {
	flowContext
	connection *tcpConnection
}

func newConnectionContext(conn *tcpConnection) *connectionContext {
	in := conn.instance
	c := &connectionContext{flowContext{baseContext{guest: in.guest, host: conn.host, root: in.root}, &conn.flow, conn}, conn}
	c.self = c
	return c
}

// Buffer also has what was read.
func (c *connectionContext) Buffer(kind uint32) (data []byte, found bool) {
	if p := c.connection.chunk(kind); p != nil {
		return *p, true
	}
	return c.baseContext.Buffer(kind)
}

// SetBuffer also writes what was read.
func (c *connectionContext) SetBuffer(kind, start, length uint32, data []byte) Status {
	if p := c.connection.chunk(kind); p != nil {
		return setBuffer(p, start, length, data)
	}
	return c.baseContext.SetBuffer(kind, start, length, data)
}

// ContinueStream has the connection read on.
func (c *connectionContext) ContinueStream(kind uint32) Status {
	if kind == streamDownstream {
		c.guest.Later(c.connection.continueReading)
	}
	return c.baseContext.ContinueStream(kind)
}

// CloseStream closes the connection, with upstream too.
func (c *connectionContext) CloseStream(kind uint32) Status {
	details := "wasm_downstream_close"
	switch kind {
	case streamDownstream:
	case streamUpstream:
		details = "wasm_upstream_close"
	default:
		return StatusOK
	}
	c.guest.Later(func() { c.connection.close(closing{how: closedLocally, details: details}) })
	return StatusOK
}
