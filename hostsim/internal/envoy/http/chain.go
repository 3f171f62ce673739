package http

import (
	"errors"

	"github.com/sallyport-gateway/sallyport/hostsim/event"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
)

// A chain of several plugins is a Stream for each, in the order of the request. What a plugin lets through goes to the
// next one, and from the last to the router; a response, even one of the proxy's own, comes back the other way. The
// first stream has what belongs to the request as a whole: the connection manager, the timers, the client's events, the
// end. A stream without neighbours is both first and last.
// Source: Envoy source/common/http/filter_manager.cc.

// NewChain begins a request through the plugins of several listeners of one process, as if they were one listener's: the
// first one's settings hold. The stream returned is the client's end.
func NewChain(listeners []*envoy.Listener, worker int, info envoy.StreamInfo) (*Stream, error) {
	first, err := NewStream(listeners[0], worker, info)
	if err != nil {
		return nil, err
	}
	last := first
	for _, l := range listeners[1:] {
		if l.Process != first.Host.Process {
			return nil, errors.New("a plugin of another process cannot be in the chain")
		}
		s, err := NewStream(l, worker, first.Info)
		if err != nil {
			return nil, err
		}
		s.ShareState(&first.Flow)
		s.prev, last.next = last, s
		last = s
	}
	return first, nil
}

func (s *Stream) first() *Stream {
	for s.prev != nil {
		s = s.prev
	}
	return s
}

// Last is the stream in front of the router.
func (s *Stream) Last() *Stream {
	for s.next != nil {
		s = s.next
	}
	return s
}

// Emit is an event of the request as a whole.
func (s *Stream) Emit(e event.Event) { s.first().Flow.Emit(e) }

// settings are those of the listener.
func (s *Stream) settings() *envoy.Config { return &s.first().Host.Config }

// setDetails sets the response code details. They may be empty, which is not the same as none.
func (s *Stream) setDetails(details string) {
	for t := s.first(); t != nil; t = t.next {
		t.CodeDetails, t.detailed = details, true
	}
}

func (s *Stream) setCode(code int) {
	for t := s.first(); t != nil; t = t.next {
		t.responseCode, t.hasCode = code, true
	}
}

func (s *Stream) flag(f envoy.ResponseFlags) {
	for t := s.first(); t != nil; t = t.next {
		t.Flags |= f
	}
}

// sharesRequest gives all plugins what the connection manager has found out.
func (s *Stream) sharesRequest() {
	for t := s.next; t != nil; t = t.next {
		t.HeadReq, t.grpcReq = s.HeadReq, s.grpcReq
	}
}

// routerTold gives all plugins what the router knows.
func (s *Stream) routerTold() {
	for t := s.prev; t != nil; t = t.prev {
		t.isRouted, t.chosen, t.connected, t.routedAt, t.answeredAt = s.isRouted, s.chosen, s.connected, s.routedAt, s.answeredAt
	}
}

// answered reports whether there are response headers anywhere in the chain.
func (s *Stream) answered() bool {
	for t := s.first(); t != nil; t = t.next {
		if t.encode.headers != nil {
			return true
		}
	}
	return false
}

// stopEncoding stops the response, wherever it is: a direct reply takes its place.
func (s *Stream) stopEncoding() {
	for t := s.first(); t != nil; t = t.next {
		t.encode.aborted = true
	}
}

// passHeaders, passData and passTrailers pass the request to the next plugin; they return false at the last.
func (s *Stream) passHeaders(end bool) bool {
	if s.next == nil {
		return false
	}
	if !s.passed && !s.Over {
		s.passed = true
		s.next.decodeHeaders(s.decode.headers, end)
	}
	return true
}

func (s *Stream) passData(data []byte, end bool) bool {
	if s.next == nil {
		return false
	}
	if !s.Over && (len(data) > 0 || end) {
		s.next.decodeData(data, end)
	}
	return true
}

func (s *Stream) passTrailers() bool {
	if s.next == nil {
		return false
	}
	if !s.Over {
		s.next.decodeTrailers(s.decode.trailers)
	}
	return true
}

// returnHeaders, returnData and returnTrailers pass the response back to the previous plugin; they return false at the
// first.
func (s *Stream) returnHeaders(m *header.Map, end bool) bool {
	if s.prev == nil {
		return false
	}
	if !s.returned && !s.Over {
		s.returned = true
		s.prev.encodeHeaders(m, end)
	}
	return true
}

func (s *Stream) returnData(data []byte, end bool) bool {
	if s.prev == nil {
		return false
	}
	if !s.Over && (len(data) > 0 || end) {
		s.prev.EncodeData(data, end)
	}
	return true
}

func (s *Stream) returnTrailers() bool {
	if s.prev == nil {
		return false
	}
	if !s.Over {
		s.prev.EncodeTrailers(s.encode.trailers)
	}
	return true
}

// ended ends the streams of all plugins: log phases come before the contexts go. Source: Envoy conn_manager_impl.cc
// doDeferredStreamDestroy.
func (s *Stream) ended() {
	for t := s; t != nil; t = t.next {
		t.bytesSent = s.bytesSent
		if t.ctx != nil {
			if t != s && t.decode.headers == nil { // it never came to this plugin
				t.decode.headers = s.decode.headers
			}
			t.encode.headers, t.encode.trailers = s.encode.headers, s.encode.trailers
			t.logPhase(t.ctx)
		}
	}
	for t := s; t != nil; t = t.next {
		if t.ctx != nil {
			t.ctx.end()
		}
		delete(t.Instance.Running, t)
	}
}
