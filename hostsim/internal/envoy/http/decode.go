package http

import (
	"strconv"

	"github.com/sallyport-gateway/sallyport/hostsim/event"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
)

// The request's way through the filter chain. Source: Envoy source/common/http/filter_manager.cc, and the plugin's
// part of it source/extensions/common/wasm/context.cc from decodeHeaders on.

// filterStatus is what a filter returns for headers, data or trailers.
type filterStatus int

const (
	filterContinue filterStatus = iota
	filterStop                  // headers: body callbacks still come; data and trailers: hold
	filterStopBuffer
	filterStopAll
	filterStopNoBuffer
)

func (s *Stream) decodeHeaders(m *header.Map, end bool) {
	s.decode.headers, s.decode.complete = m, end
	s.decoding++
	status := s.pluginDecodeHeaders(m, end)
	s.decoding--
	if s.Over {
		return
	}
	if s.decode.aborted {
		s.sendPrepared()
		return
	}
	switch status {
	case filterContinue:
		s.decode.headersContinued = true
		s.routeHeaders(end)
	case filterStop:
		s.decode.iteration = stoppedOne
	default:
		s.decode.iteration = stoppedAll
	}
}

func (s *Stream) decodeData(data []byte, end bool) {
	s.decode.complete = s.decode.complete || end
	s.bytesReceived += len(data)
	if s.decode.aborted {
		return
	}
	if s.decode.iteration == stoppedAll {
		s.decode.hold(data)
		return
	}
	s.filterRequestData(data, end)
}

func (s *Stream) filterRequestData(data []byte, end bool) {
	s.active()
	s.decoding++
	status := s.pluginData(&s.decode, wasmhost.OnRequestBody, &data, end)
	s.decoding--
	if s.Over {
		return
	}
	s.requestDecoded(end)
	if s.decode.aborted {
		s.sendPrepared()
		return
	}
	switch {
	case status == filterContinue && s.decode.iteration == stoppedOne:
		s.decode.hold(data)
		s.continueDecoding()
	case status == filterContinue:
		s.routeData(data, end)
	case status == filterStopNoBuffer:
		s.decode.iteration = stoppedOne
	default:
		s.decode.iteration = stoppedOne
		s.bufferRequest(data)
	}
}

// bufferRequest holds data back, up to the listener's limit.
func (s *Stream) bufferRequest(data []byte) {
	s.decode.hold(data)
	if len(s.decode.buffered) > s.Host.BufferLimit() {
		s.localReply(&localReply{status: 413, body: []byte("Payload Too Large"), details: "request_payload_too_large"})
		s.sendPrepared()
	}
}

func (s *Stream) decodeTrailers(m *header.Map) {
	s.decode.complete, s.decode.trailers = true, m
	if s.decode.aborted || s.decode.iteration == stoppedAll {
		return
	}
	s.filterRequestTrailers()
}

func (s *Stream) filterRequestTrailers() {
	s.active()
	s.decoding++
	status := s.pluginTrailers(&s.decode, wasmhost.OnRequestTrailers)
	s.decoding--
	if s.Over {
		return
	}
	if s.decode.aborted {
		s.sendPrepared()
		return
	}
	switch {
	case status != filterContinue:
		s.decode.iteration = stoppedOne
	case s.decode.iteration != iterating:
		s.continueDecoding()
	default:
		s.routeTrailers()
	}
}

// continueDecoding is Envoy's commonContinue: after StopAll the guest gets the body again, otherwise it goes on.
func (s *Stream) continueDecoding() {
	d := &s.decode
	if d.aborted {
		return
	}
	fromGuest := d.iteration == stoppedAll && !s.Over
	d.iteration = iterating
	if !d.headersContinued {
		d.headersContinued = true
		s.routeHeaders(d.complete && d.buffered == nil && d.trailers == nil)
	}
	trailers := d.trailers != nil
	if data := d.buffered; data != nil && !d.aborted {
		d.buffered = nil
		end := d.complete && !trailers
		if fromGuest {
			s.filterRequestData(data, end)
		} else {
			s.routeData(data, end)
		}
	}
	if trailers && !d.aborted {
		if fromGuest && !s.Over {
			s.filterRequestTrailers()
		} else {
			s.routeTrailers()
		}
	}
}

func (s *Stream) routeHeaders(end bool) {
	if s.passHeaders(end) {
		return
	}
	if s.isRouted {
		return // a guest that continued twice; Envoy's router is not made for that
	}
	s.isRouted = true
	if r := s.unroutable(); r != nil {
		s.decode.aborted = true
		s.upstreamEnd, s.UpstreamDone = true, true
		s.localReply(r)
		return
	}
	s.requestDecoded(end)
	s.chosen, s.routedAt = true, s.Host.Process.Clock.Now()
	s.upstreamEnd = end
	s.routerTold()
	if limit := s.first().Host.RouteTimeout(); limit > 0 && !s.settings().ConnManager.SuppressEnvoyHeaders {
		s.decode.headers.Set("x-envoy-expected-rq-timeout-ms", strconv.FormatInt(limit.Milliseconds(), 10))
	}
	s.toBackend = header.DeclaredIn(s.decode.headers.List)
	s.Emit(event.Event{Kind: event.ToUpstreamHeaders, Headers: s.decode.headers.Snapshot(), End: end})
	s.sentToBackend(end)
}

// unroutable is the router's own reply: that of the route, or to headers that a plugin has removed. Any other path
// leads to the backend. Source: Envoy source/common/router/config_impl.cc RouteMatcher::route,
// HeaderUtility::checkRequiredRequestHeaders.
func (s *Stream) unroutable() *localReply {
	for _, name := range []string{":path", "x-forwarded-proto"} {
		if value, _ := s.decode.headers.Get(name); value == "" {
			s.flag(envoy.FlagNoRouteFound)
			return &localReply{status: 404, details: "route_not_found"}
		}
	}
	if d := s.settings().ConnManager.DirectResponse; d != nil {
		return &localReply{status: d.Status, body: d.Body, details: "direct_response"}
	}
	if _, ok := s.decode.headers.Get(":method"); !ok {
		const text = "missing required header: :method"
		return &localReply{status: 503, body: []byte(text), details: "filter_removed_required_request_headers{" + detailsText(text) + "}"}
	}
	return nil
}

// requestDecoded ends the request timeout when the request's end has passed the plugin, or is a piece of the body that
// the plugin was asked about and holds. Held at the headers or trailers, even a request that has arrived completely
// times out. Source: Envoy filter_manager.cc maybeEndDecode, and where it is not reached.
func (s *Stream) requestDecoded(end bool) {
	if end {
		s.first().requestTimer.Stop()
	}
}

func (s *Stream) routeData(data []byte, end bool) {
	if s.passData(data, end) {
		return
	}
	if s.upstreamEnd || len(data) == 0 && !end {
		return
	}
	s.requestDecoded(end)
	s.upstreamEnd = end
	s.toBackend.Send(data)
	s.Emit(event.Event{Kind: event.ToUpstreamData, Data: data, End: end})
	s.sentToBackend(end)
}

func (s *Stream) sentToBackend(end bool) {
	if end {
		s.checkLength("request to the backend", &s.toBackend, backendAwaits, backendReads)
	}
}

func (s *Stream) routeTrailers() {
	if s.passTrailers() {
		return
	}
	if s.upstreamEnd {
		return
	}
	s.requestDecoded(true)
	s.upstreamEnd = true
	s.Emit(event.Event{Kind: event.ToUpstreamTrailers, Headers: s.decode.trailers.Snapshot(), End: true})
	s.sentToBackend(true)
}

// pluginDecodeHeaders is the plugin's decodeHeaders.
func (s *Stream) pluginDecodeHeaders(m *header.Map, end bool) filterStatus {
	if s.ctx == nil {
		return filterContinue
	}
	s.ctx.Enter()
	s.requestStarted = true
	return s.pluginHeaders(&s.decode, wasmhost.OnRequestHeaders, m, end)
}
