package http

import (
	"strconv"

	"github.com/sallyport-gateway/sallyport/hostsim/event"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
)

// The response's way to the client. Source: Envoy source/common/http/filter_manager.cc from encodeHeaders on.

// UpstreamHeaders is called when the router gets response headers.
func (s *Stream) UpstreamHeaders(m *header.Map, end bool) {
	if s.UpstreamDone || s.encode.headers != nil {
		return
	}
	s.UpstreamDone = end
	if !s.settings().ConnManager.SuppressEnvoyHeaders {
		m.Set("x-envoy-upstream-service-time", strconv.FormatInt(s.Host.Process.Clock.Now().Sub(s.StartedAt).Milliseconds(), 10))
	}
	s.connected = true
	s.answeredAt = s.Host.Process.Clock.Now()
	s.routerTold()
	s.setDetails("via_upstream")
	if code, ok := statusOf(m); ok {
		s.setCode(code)
	}
	s.encodeHeaders(m, end)
}

func (s *Stream) encodeHeaders(m *header.Map, end bool) {
	s.encode.headers, s.encode.complete = m, end
	s.encoding++
	status := s.pluginHeaders(&s.encode, wasmhost.OnResponseHeaders, m, end)
	s.encoding--
	if s.Over || s.encode.aborted {
		return
	}
	switch status {
	case filterContinue:
		s.encode.headersContinued = true
		s.toClientHeaders(m, end)
	case filterStop:
		s.encode.iteration = stoppedOne
	default:
		s.encode.iteration = stoppedAll
	}
}

func (s *Stream) EncodeData(data []byte, end bool) {
	s.encode.complete = s.encode.complete || end
	if s.encode.aborted || s.Over {
		return
	}
	if s.encode.iteration == stoppedAll {
		s.encode.hold(data)
		return
	}
	s.filterResponseData(data, end)
}

func (s *Stream) filterResponseData(data []byte, end bool) {
	s.active()
	s.encoding++
	status := s.pluginData(&s.encode, wasmhost.OnResponseBody, &data, end)
	s.encoding--
	if s.Over || s.encode.aborted {
		return
	}
	switch {
	case status == filterContinue && s.encode.iteration == stoppedOne:
		s.encode.hold(data)
		s.continueEncoding()
	case status == filterContinue:
		s.toClientData(data, end)
	case status == filterStopNoBuffer:
		s.encode.iteration = stoppedOne
	default:
		s.encode.iteration = stoppedOne
		s.bufferResponse(data)
	}
}

func (s *Stream) bufferResponse(data []byte) {
	s.encode.hold(data)
	if len(s.encode.buffered) > s.Host.BufferLimit() {
		s.encode.buffered = nil
		if s.first().encoded {
			s.reset("response_payload_too_large")
			return
		}
		s.stopEncoding()
		s.directReply(&localReply{status: 500, body: []byte("Internal Server Error"), details: "response_payload_too_large"})
	}
}

func (s *Stream) EncodeTrailers(m *header.Map) {
	s.encode.complete, s.encode.trailers = true, m
	if s.Over || s.encode.aborted || s.encode.iteration == stoppedAll {
		return
	}
	s.filterResponseTrailers()
}

func (s *Stream) filterResponseTrailers() {
	s.active()
	s.encoding++
	status := s.pluginTrailers(&s.encode, wasmhost.OnResponseTrailers)
	s.encoding--
	switch {
	case s.Over || s.encode.aborted:
	case status != filterContinue:
		s.encode.iteration = stoppedOne
	case s.encode.iteration != iterating:
		s.continueEncoding()
	default:
		s.toClientTrailers()
	}
}

func (s *Stream) continueEncoding() {
	e := &s.encode
	if s.Over || e.aborted || e.headers == nil {
		return
	}
	fromGuest := e.iteration == stoppedAll
	e.iteration = iterating
	trailers := e.trailers != nil
	if !e.headersContinued {
		e.headersContinued = true
		s.toClientHeaders(e.headers, e.complete && e.buffered == nil && !trailers)
	}
	if data := e.buffered; data != nil && !s.Over {
		e.buffered = nil
		end := e.complete && !trailers
		if fromGuest {
			s.filterResponseData(data, end)
		} else {
			s.toClientData(data, end)
		}
	}
	if trailers && !s.Over {
		if fromGuest {
			s.filterResponseTrailers()
		} else {
			s.toClientTrailers()
		}
	}
}

func (s *Stream) toClientHeaders(m *header.Map, end bool) {
	if s.returnHeaders(m, end) {
		return
	}
	if s.encoded || s.Over {
		return
	}
	code, ok := statusOf(m)
	if !ok {
		// Source: Envoy HeaderUtility::checkRequiredResponseHeaders.
		const text = "missing required header: :status"
		s.setDetails("filter_removed_required_response_headers{" + detailsText(text) + "}")
		s.encode.aborted = true
		s.directReply(&localReply{status: 502, body: []byte(text)})
		return
	}
	s.setCode(code)
	s.encoded = true
	s.hopByHop(m)
	s.checkStatus(code)
	s.toClient = header.DeclaredByResponse(m.List, s.HeadReq)
	s.Emit(event.Event{Kind: event.ToClientHeaders, Headers: m.Snapshot(), End: end})
	if end {
		s.responded()
	}
}

// hopByHop makes the headers that are about the client's connection: a plugin's own do not count. The connection ends
// with the response when the client wants it to, when the request has not been read to its end, after a 400 of the
// proxy's own, and on a listener that is draining (with Envoy's --drain-strategy immediate; by default it begins to do
// so later). Source: Envoy conn_manager_impl.cc encodeHeaders, conn_manager_utility.cc mutateResponseHeaders.
func (s *Stream) hopByHop(m *header.Map) {
	for _, name := range [...]string{"connection", "transfer-encoding", "proxy-connection", "upgrade"} {
		m.Remove(name)
	}
	if !s.Host.Process.Profile.KeepsKeepAlive {
		m.Remove("keep-alive")
	}
	if s.IsHTTP1() && (s.closesClient || s.badRequest || !s.decode.complete || s.Instance.Generation.Draining.Load()) {
		m.Add("connection", "close")
	}
}

func (s *Stream) toClientData(data []byte, end bool) {
	if s.returnData(data, end) {
		return
	}
	if s.Over || len(data) == 0 && !end {
		return
	}
	s.bytesSent += len(data)
	s.toClient.Send(data)
	s.Emit(event.Event{Kind: event.ToClientData, Data: data, End: end})
	if end {
		s.responded()
	}
}

func (s *Stream) toClientTrailers() {
	if s.returnTrailers() {
		return
	}
	if s.Over {
		return
	}
	s.Emit(event.Event{Kind: event.ToClientTrailers, Headers: s.encode.trailers.Snapshot(), End: true})
	s.responded()
}

// responded is called when the client has the whole response.
func (s *Stream) responded() {
	s.checkLength("response to the client", &s.toClient, clientAwaits, clientReads)
	s.destroy()
}
