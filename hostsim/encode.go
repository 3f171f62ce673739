package hostsim

import "strconv"

// The response's way to the client. Source: Envoy source/common/http/filter_manager.cc encodeHeaders and on.

// upstreamHeaders is the router getting response headers.
func (s *httpStream) upstreamHeaders(m *headerMap, end bool) {
	if s.upstreamDone || s.encode.headers != nil {
		return
	}
	s.upstreamDone = end
	if !s.host.config.connManager.SuppressEnvoyHeaders {
		m.set("x-envoy-upstream-service-time", strconv.FormatInt(s.host.process.clock.Now().Sub(s.startedAt).Milliseconds(), 10))
	}
	s.connected = true
	s.answeredAt = s.host.process.clock.Now()
	s.setDetails("via_upstream")
	if code, ok := statusOf(m); ok {
		s.setCode(code)
	}
	s.encodeHeaders(m, end)
}

func (s *httpStream) encodeHeaders(m *headerMap, end bool) {
	s.encode.headers, s.encode.complete = m, end
	s.encoding++
	status := s.pluginEncodeHeaders(m, end)
	s.encoding--
	if s.over || s.encode.aborted {
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

func (s *httpStream) encodeData(data []byte, end bool) {
	s.encode.complete = s.encode.complete || end
	if s.encode.aborted || s.over {
		return
	}
	if s.encode.iteration == stoppedAll {
		s.encode.hold(data)
		return
	}
	s.filterResponseData(data, end)
}

func (s *httpStream) filterResponseData(data []byte, end bool) {
	s.active()
	s.encoding++
	status := s.pluginEncodeData(&data, end)
	s.encoding--
	if s.over || s.encode.aborted {
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

func (s *httpStream) bufferResponse(data []byte) {
	s.encode.hold(data)
	if len(s.encode.buffered) > s.host.config.bufferLimit {
		s.encode.buffered = nil
		if s.encoded {
			s.reset("response_payload_too_large")
			return
		}
		s.encode.aborted = true
		s.directReply(&localReply{status: 500, body: []byte("Internal Server Error"), details: "response_payload_too_large"})
	}
}

func (s *httpStream) encodeTrailers(m *headerMap) {
	s.encode.complete, s.encode.trailers = true, m
	if s.over || s.encode.aborted || s.encode.iteration == stoppedAll {
		return
	}
	s.filterResponseTrailers()
}

func (s *httpStream) filterResponseTrailers() {
	s.active()
	s.encoding++
	status := s.pluginEncodeTrailers(s.encode.trailers)
	s.encoding--
	switch {
	case s.over || s.encode.aborted:
	case status != filterContinue:
		s.encode.iteration = stoppedOne
	case s.encode.iteration != iterating:
		s.continueEncoding()
	default:
		s.toClientTrailers()
	}
}

func (s *httpStream) continueEncoding() {
	e := &s.encode
	if s.over || e.aborted || e.headers == nil {
		return
	}
	fromGuest := e.iteration == stoppedAll
	e.iteration = iterating
	trailers := e.trailers != nil
	if !e.headersContinued {
		e.headersContinued = true
		s.toClientHeaders(e.headers, e.complete && e.buffered == nil && !trailers)
	}
	if data := e.buffered; data != nil && !s.over {
		e.buffered = nil
		end := e.complete && !trailers
		if fromGuest {
			s.filterResponseData(data, end)
		} else {
			s.toClientData(data, end)
		}
	}
	if trailers && !s.over {
		if fromGuest {
			s.filterResponseTrailers()
		} else {
			s.toClientTrailers()
		}
	}
}

func (s *httpStream) toClientHeaders(m *headerMap, end bool) {
	if s.encoded || s.over {
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
	s.toClient = declaredByResponse(m.h, s.headReq)
	s.emit(Event{Kind: ToClientHeaders, Headers: m.snapshot(), End: end})
	if end {
		s.responded()
	}
}

// hopByHop makes the headers that are about the client's connection: a plugin's own do not count. The connection ends
// with the response when the client wants it, when the request has not been read to its end, after a 400 of the
// proxy's own, and on a listener that drains (with Envoy's --drain-strategy immediate; its default begins to do so later). Source: Envoy conn_manager_impl.cc encodeHeaders, conn_manager_utility.cc mutateResponseHeaders.
func (s *httpStream) hopByHop(m *headerMap) {
	for _, name := range [...]string{"connection", "transfer-encoding", "proxy-connection", "upgrade"} {
		m.remove(name)
	}
	if !s.host.process.profile.keepsKeepAlive {
		m.remove("keep-alive")
	}
	if s.isHTTP1() && (s.closesClient || s.badRequest || !s.decode.complete || s.instance.generation.draining.Load()) {
		m.add("connection", "close")
	}
}

func (s *httpStream) toClientData(data []byte, end bool) {
	if s.over || len(data) == 0 && !end {
		return
	}
	s.bytesSent += len(data)
	s.toClient.send(data)
	s.emit(Event{Kind: ToClientData, Data: data, End: end})
	if end {
		s.responded()
	}
}

func (s *httpStream) toClientTrailers() {
	if s.over {
		return
	}
	s.emit(Event{Kind: ToClientTrailers, Headers: s.encode.trailers.snapshot(), End: true})
	s.responded()
}

// responded: the client has the whole response.
func (s *httpStream) responded() {
	s.checkLength("response to the client", &s.toClient, clientAwaits, clientReads)
	s.destroy()
}

// pluginEncodeHeaders is the plugin's encodeHeaders. The 503 of its own crash does not come here again.
func (s *httpStream) pluginEncodeHeaders(m *headerMap, end bool) filterStatus {
	c := s.ctx
	if c == nil || !s.requestStarted || s.failedOnce {
		return filterContinue
	}
	s.responseMap, s.endOfStream = m, end
	status := s.guestHeaders(c, onResponseHeaders, m, end)
	if status == filterContinue {
		s.responseMap = nil
	}
	return status
}

func (s *httpStream) pluginEncodeData(data *[]byte, end bool) filterStatus {
	c := s.ctx
	if c == nil || !s.requestStarted || s.failedOnce {
		return filterContinue
	}
	if s.bufferingResponse {
		s.bufferResponse(*data)
		*data = nil
		if s.over || s.encode.aborted {
			return filterStopBuffer
		}
		s.responseChunk = &s.encode.buffered
	} else {
		s.responseChunk = data
	}
	s.endOfStream = end
	status := s.guestData(c, onResponseBody, len(*s.responseChunk), end)
	s.bufferingResponse = status == filterStopBuffer
	if status == filterContinue {
		s.responseChunk = nil
	} else if s.bufferingResponse {
		s.responseChunk = &s.encode.buffered
	}
	return status
}

func (s *httpStream) pluginEncodeTrailers(m *headerMap) filterStatus {
	c := s.ctx
	if c == nil || !s.requestStarted || s.failedOnce {
		return filterContinue
	}
	s.responseTrailerMap = m
	status := s.guestTrailers(c, onResponseTrailers, m)
	if status == filterContinue {
		s.responseTrailerMap = nil
	}
	return status
}
