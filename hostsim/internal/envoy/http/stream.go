// Package http is Envoy's HTTP connection manager, filter manager and router, as a plugin meets them.
package http

import (
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/event"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/simclock"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// Stream is one HTTP request on its way through the filter chain: Envoy's filter manager with our plugin and the
// router in it. The caller plays the network: it feeds the client's request and the backend's response, and takes
// Events from Next. Methods may be called from any goroutine, one at a time.
type Stream struct {
	envoy.Flow
	ctx *streamContext // nil when the plugin is skipped

	prev, next       *Stream // the plugins next to it in the chain
	passed, returned bool    // headers went to next; response headers went to prev

	decode, encode          side
	decoding, encoding      int // depth of running decoder and encoder callbacks
	prepared                *localReply
	HeadReq, grpcReq        bool
	isRouted                bool // the router has the request headers
	upstreamEnd             bool // the router has the whole request
	UpstreamDone            bool // the backend's response has ended, or the router gave up
	encoded                 bool // response headers went to the client
	failedOnce              bool // the 503 of a crashed VM was sent
	requestStarted          bool // the request phase ran in the guest's context
	responseCode            int
	hasCode, detailed       bool // there is a code, and details; either may be the zero value
	badRequest              bool // the proxy's own answer is 400
	closesClient            bool // the client asked that its connection be closed
	bytesReceived           int  // of the request body
	bytesSent               int  // of the response body
	routedAt, answeredAt    time.Time
	chosen, connected       bool // the router has a host; it is connected to it
	activeAt                time.Time
	toBackend, toClient     header.Framing
	Misframed               []string // what is wrong with the length of a message, in words
	idleTimer, requestTimer *simclock.Timer

	logging     bool
	endOfStream bool
}

// side is the iteration of one direction through our filter.
type side struct {
	headers, trailers *header.Map
	iteration         iteration
	headersContinued  bool
	buffered          []byte // held back; nil when nothing was, which is not the same as empty
	complete          bool   // the end has arrived
	aborted           bool   // a local reply ended it
	buffering         bool   // the guest returned Pause from a body callback

	// What the guest can reach; nil for what it cannot. Source: Envoy Context's pointers request_headers_ and so on.
	seenHeaders, seenTrailers *header.Map
	seenBody                  *[]byte
}

// hold keeps data back. Data without bytes counts: it may be what brings the end.
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

const defaultUpstreamAddr = "127.0.0.1:8080"

// NewStream begins a stream on a worker, counted from 0.
func NewStream(h *envoy.Listener, worker int, info envoy.StreamInfo) (*Stream, error) {
	if info.Protocol == "" {
		info.Protocol = "HTTP/1.1"
	}
	if info.UpstreamAddr == "" {
		info.UpstreamAddr = defaultUpstreamAddr
	}
	s := &Stream{}
	if err := s.Begin(h, worker, info); err != nil {
		return nil, err
	}
	s.Queue.Events = make([]event.Event, 0, eventsOfAnExchange)
	s.Do(s.attach)
	return s, nil
}

// ListenerGone ends the stream with its connection.
func (s *Stream) ListenerGone() { s.Cut("downstream connection termination") }

// ProcessGone ends the stream with its connection.
func (s *Stream) ProcessGone() { s.Cut("downstream_remote_disconnect") }

// attach gives the stream its place in the plugin, as Envoy does when it makes the filter chain.
func (s *Stream) attach() {
	in := s.Instance
	in.MaybeReload()
	in.Running[s] = true
	if in.Guest.Failed() && s.Host.Config.Policy.Open() {
		return
	}
	s.ctx = newStreamContext(s)
}

// eventsOfAnExchange is how many events an exchange with a body and without surprises has.
const eventsOfAnExchange = 6

func (s *Stream) feed(f func()) error {
	err := envoy.ErrStreamOver
	s.Do(func() {
		if !s.Over {
			err = nil
			s.active()
			f()
		}
	})
	return err
}

// Fed runs f if the stream is not over.
func (s *Stream) Fed(f func()) {
	if !s.Over {
		s.active()
		f()
	}
}

// RequestHeaders feeds the client's request headers, :method, :path and :authority among them, as they are on the wire.
// The connection manager's own are added: see WithConnectionManager.
func (s *Stream) RequestHeaders(h abi.Headers, end bool) error {
	return s.feed(func() {
		m := s.acceptRequest(h)
		if path, _ := m.Get(":path"); strings.Contains(path, "#") {
			// Source: Envoy conn_manager_utility.cc maybeNormalizePath.
			s.decode.headers, s.decode.complete = m, end
			s.reject(&localReply{status: badRequest, details: "path_normalization_failed"})
			return
		}
		if d := s.Host.Config.ConnManager.RequestTimeout; d > 0 {
			s.requestTimer = s.Thread.After(d, func() { s.timeout("request_overall_timeout", "request timeout") })
		}
		s.decodeHeaders(m, end)
	})
}

// RequestBody feeds a piece of the client's request body.
func (s *Stream) RequestBody(data []byte, end bool) error {
	return s.feed(func() { s.decodeData(append([]byte(nil), data...), end) })
}

// RequestTrailers feeds the client's trailers.
func (s *Stream) RequestTrailers(h abi.Headers) error {
	return s.feed(func() { s.decodeTrailers(header.New(h)) })
}

// ResponseHeaders feeds the backend's response headers, :status among them.
func (s *Stream) ResponseHeaders(h abi.Headers, end bool) error {
	return s.feed(func() { s.Last().UpstreamHeaders(header.New(h), end) })
}

// ResponseBody feeds a piece of the backend's response body.
func (s *Stream) ResponseBody(data []byte, end bool) error {
	return s.feed(func() {
		l := s.Last()
		l.UpstreamDone = l.UpstreamDone || end
		l.EncodeData(append([]byte(nil), data...), end)
	})
}

// ResponseTrailers feeds the backend's trailers.
func (s *Stream) ResponseTrailers(h abi.Headers) error {
	return s.feed(func() { l := s.Last(); l.UpstreamDone = true; l.EncodeTrailers(header.New(h)) })
}

// UpstreamFailed reports that the backend did not answer, or not to the end. The router replies accordingly.
func (s *Stream) UpstreamFailed(f upstream.Fault) error {
	return s.feed(func() { s.Last().RouterFailed(f) })
}

// ClientGone reports that the client has gone: log, done and delete run at once.
func (s *Stream) ClientGone() {
	s.Do(func() { s.Cut("downstream_remote_disconnect") })
}

// RejectEarlier plays a filter before ours, or the codec, that answers by itself: our plugin sees only create, log,
// done and delete. headers may be nil for a request so malformed that it has none.
func (s *Stream) RejectEarlier(headers abi.Headers, status int, body string) error {
	return s.feed(func() {
		if headers != nil {
			s.decode.headers = s.acceptRequest(headers)
		}
		s.reject(&localReply{status: status, body: []byte(body), details: "direct_response"})
	})
}

// reject answers before the first filter.
func (s *Stream) reject(r *localReply) {
	s.setDetails(r.details)
	s.directReply(r)
}
