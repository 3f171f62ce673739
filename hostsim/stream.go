package hostsim

import (
	"errors"
	"strings"
	"time"
)

// Stream is one HTTP request on its way through the filter chain: Envoy's filter manager with our plugin and the
// router in it. The caller plays the network: it feeds the client's request and the backend's response, and takes
// Events from Next. Methods may be called from any goroutine, one at a time.
type httpStream struct {
	flow
	ctx *streamContext // nil when the plugin is skipped

	decode, encode        side
	decoding, encoding    int // depth of running decoder and encoder callbacks
	prepared              *localReply
	headReq, grpcReq      bool
	isRouted              bool // the router has the request headers
	upstreamEnd           bool // the router has the whole request
	upstreamDone          bool // the backend's response has ended, or the router gave up
	encoded               bool // response headers went to the client
	failedOnce            bool // the 503 of a crashed VM was sent
	requestStarted        bool // the request phase ran in the guest's context
	responseCode          int
	hasCode, detailed     bool // there is a code, and details; either may be the zero value
	badRequest            bool // the proxy's own answer is 400
	closesClient          bool // the client asked that its connection be closed
	bytesReceived         int  // of the request body
	bytesSent             int  // of the response body
	routedAt, answeredAt  time.Time
	chosen, connected     bool // the router has a host; it talks to it
	activeAt              time.Time
	toBackend, toClient   framing
	misframed             []string // what is wrong with the length of a message, in words
	stopIdle, stopRequest func()

	// What the guest can reach: nil when it cannot. Source: Envoy Context's pointers of the same names.
	requestMap, requestTrailerMap   *headerMap
	responseMap, responseTrailerMap *headerMap
	requestChunk, responseChunk     *[]byte
	bufferingRequest                bool // the guest answered Pause to a body callback
	bufferingResponse               bool
	logging                         bool
	endOfStream                     bool
}

// side is the iteration of one direction through our filter.
type side struct {
	headers, trailers *headerMap
	iteration         iteration
	headersContinued  bool
	buffered          []byte // held back; nil when nothing was, which is not the same as nothing in it
	complete          bool   // the end has arrived
	aborted           bool   // a local reply ended it
}

// hold keeps data back. Data without bytes counts: it may be all that brings the end.
func (d *side) hold(data []byte) {
	if d.buffered == nil {
		d.buffered = []byte{}
	}
	d.buffered = append(d.buffered, data...)
}

type iteration int

const (
	iterating iteration = iota
	stoppedOne
	stoppedAll
)

// StreamInfo is what the connection knows. The zero value is a plain HTTP/1.1 client at 127.0.0.1.
type StreamInfo struct {
	// RemoteAddr is the peer, "ip:port".
	RemoteAddr string
	// ConnectionID is numbered by the host when it is 0.
	ConnectionID uint64
	// Protocol is "HTTP/1.1" unless given.
	Protocol string
	// TLS is set when the client came by TLS.
	TLS *TLSInfo
	// RouteName, VirtualHost, ClusterName, UpstreamAddr and FilterChain are what xds.* and upstream.* tell. The backend is
	// at 127.0.0.1:8080 unless given.
	RouteName, VirtualHost, ClusterName, UpstreamAddr, FilterChain string
	// Properties win over all others, as WithProperty does, for this stream.
	Properties map[string]any
}

// TLSInfo is what connection.* tells of a TLS connection.
type TLSInfo struct {
	Version, ServerName string
	// PeerPresented: the client sent a certificate, which is all that connection.mtls says. PeerValid: it verified.
	PeerPresented, PeerValid                        bool
	PeerSubject, PeerURISAN, PeerDNSSAN, PeerSHA256 string
}

const defaultUpstreamAddr = "127.0.0.1:8080"

// ErrStreamOver is returned by what feeds a stream that has ended.
var ErrStreamOver = errors.New("stream is over")

// newStream begins a stream on a worker, counted from 0.
func (h *listener) newStream(worker int, info StreamInfo) (*httpStream, error) {
	if info.Protocol == "" {
		info.Protocol = "HTTP/1.1"
	}
	info.UpstreamAddr = orElse(info.UpstreamAddr, defaultUpstreamAddr)
	s := &httpStream{}
	s.contextID = func() uint32 {
		if s.ctx == nil {
			return 0
		}
		return s.ctx.id
	}
	if err := s.begin(h, worker, info); err != nil {
		return nil, err
	}
	s.queue.events = make([]Event, 0, eventsOfAnExchange)
	s.do(s.attach)
	return s, nil
}

// attach gives the stream its place in the plugin, as Envoy does when it makes the filter chain.
func (s *httpStream) attach() {
	in := s.instance
	in.maybeReload()
	in.streams[s] = true
	if in.guest.Failed() && s.host.config.policy.open() {
		return
	}
	s.ctx = newStreamContext(s)
}

// eventsOfAnExchange is how many events one with a body and without surprises has.
const eventsOfAnExchange = 6

func (s *httpStream) feed(f func()) error {
	err := ErrStreamOver
	s.do(func() {
		if !s.over {
			err = nil
			s.active()
			f()
		}
	})
	return err
}

// fed runs f when the stream still takes something.
func (s *httpStream) fed(f func()) {
	if !s.over {
		s.active()
		f()
	}
}

// RequestHeaders feeds the client's request headers, :method, :path and :authority among them, as they are on the wire.
// The connection manager's own are added: see WithConnectionManager.
func (s *httpStream) RequestHeaders(h Headers, end bool) error {
	return s.feed(func() {
		m := s.acceptRequest(h)
		if path, _ := m.get(":path"); strings.Contains(path, "#") {
			// Source: Envoy conn_manager_utility.cc maybeNormalizePath.
			s.decode.headers, s.decode.complete = m, end
			s.reject(&localReply{status: badRequest, details: "path_normalization_failed"})
			return
		}
		if d := s.host.config.connManager.RequestTimeout; d > 0 {
			s.stopRequest = s.thread.After(d, func() { s.timeout("request_overall_timeout", "request timeout") })
		}
		s.decodeHeaders(m, end)
	})
}

// RequestBody feeds a piece of the client's request body.
func (s *httpStream) RequestBody(data []byte, end bool) error {
	return s.feed(func() { s.decodeData(append([]byte(nil), data...), end) })
}

// RequestTrailers feeds the client's trailers.
func (s *httpStream) RequestTrailers(h Headers) error {
	return s.feed(func() { s.decodeTrailers(newHeaderMap(h)) })
}

// ResponseHeaders feeds the backend's response headers, :status among them.
func (s *httpStream) ResponseHeaders(h Headers, end bool) error {
	return s.feed(func() { s.upstreamHeaders(newHeaderMap(h), end) })
}

// ResponseBody feeds a piece of the backend's response body.
func (s *httpStream) ResponseBody(data []byte, end bool) error {
	return s.feed(func() { s.upstreamDone = s.upstreamDone || end; s.encodeData(append([]byte(nil), data...), end) })
}

// ResponseTrailers feeds the backend's trailers.
func (s *httpStream) ResponseTrailers(h Headers) error {
	return s.feed(func() { s.upstreamDone = true; s.encodeTrailers(newHeaderMap(h)) })
}

// UpstreamFailed says that the backend did not answer, or not to the end. The router makes its reply of it.
func (s *httpStream) UpstreamFailed(f Fault) error {
	return s.feed(func() { s.routerFailed(f) })
}

// ClientGone says that the client has gone: log, done and delete run at once.
func (s *httpStream) ClientGone() {
	s.do(func() { s.cut("downstream_remote_disconnect") })
}

// RejectEarlier plays a filter before ours, or the codec, that answers by itself: our plugin sees only create, log,
// done and delete. headers may be nil for a request so malformed that it has none.
func (s *httpStream) RejectEarlier(headers Headers, status int, body string) error {
	return s.feed(func() {
		if headers != nil {
			s.decode.headers = s.acceptRequest(headers)
		}
		s.reject(&localReply{status: status, body: []byte(body), details: "direct_response"})
	})
}

// reject answers before the first filter.
func (s *httpStream) reject(r *localReply) {
	s.setDetails(r.details)
	s.directReply(r)
}
