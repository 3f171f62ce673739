package hostsim

import (
	"bytes"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// askBackend has the backend answer, on the clock.
func (e *exchange) askBackend() {
	if e.asked {
		return
	}
	e.asked = true
	s := e.stream.Last()
	call := upstream.Call{Headers: e.upstream.Headers, Body: e.upstream.Body, Trailers: e.upstream.Trailers, Awaits: e.upstream.Awaits, Worker: s.Thread.Index, At: e.host.process.envoy.Clock.Now()}
	a := e.backend.Answer(call)
	if a.Wait != nil {
		a = a.Wait(e.host.process.envoy.Loop.Background)
	}
	limit := e.host.listener.RouteTimeout()
	if e.upstream.Awaits > 0 && envoy.IsRead(a) {
		a.Fault = upstream.FaultTimeout
	}
	late := a.Fault == upstream.FaultTimeout || a.Fault == upstream.FaultNever || limit > 0 && a.Delay >= limit
	switch {
	case late && limit < 0:
		return
	case late:
		s.Do(func() { s.Thread.After(limit, func() { s.Fed(func() { s.RouterFailed(upstream.FaultTimeout) }) }) })
	default:
		s.Do(func() { s.Thread.After(a.Delay, func() { e.answer(a, limit) }) })
	}
}

// answer feeds the backend's answer; it runs on the stream's thread.
func (e *exchange) answer(a upstream.Answer, limit time.Duration) {
	s := e.stream.Last()
	switch a.Fault {
	case "":
	case upstream.FaultResetMidBody, upstream.FaultTimeoutMidBody:
		s.Fed(func() { s.UpstreamHeaders(envoy.MessageHeaders(a), false) })
		if half := a.Body[:len(a.Body)/2]; len(half) > 0 {
			s.Fed(func() { s.EncodeData(append([]byte(nil), half...), false) })
		}
		if a.Fault == upstream.FaultResetMidBody {
			s.Fed(func() { s.RouterFailed(upstream.FaultReset) })
		} else if limit > 0 {
			s.Thread.After(limit, func() { s.Fed(func() { s.RouterFailed(upstream.FaultTimeout) }) })
		}
		return
	default:
		s.Fed(func() { s.RouterFailed(a.Fault) })
		return
	}
	e.leaveConnection()
	m := envoy.MessageHeaders(a)
	end := len(a.Body) == 0 && len(a.Trailers) == 0 || s.HeadReq || a.Status == 204 || a.Status == 304
	s.Fed(func() { s.UpstreamHeaders(m, end) })
	if end {
		return
	}
	for body := a.Body; len(body) > 0; {
		piece := body
		if a.BodyIn > 0 {
			piece = body[:min(a.BodyIn, len(body))]
		}
		s.Fed(func() { s.EncodeData(append([]byte(nil), piece...), false) })
		body = body[len(piece):]
	}
	if len(a.Trailers) > 0 {
		s.Fed(func() { s.UpstreamDone = true; s.EncodeTrailers(header.New(a.Trailers)) })
		return
	}
	s.Fed(func() { s.UpstreamDone = true; s.EncodeData(nil, true) })
}

// continueConnection has the backend read what an earlier request left on the connection as the beginning of this one.
// A worker reuses the connection that it used last.
func (e *exchange) continueConnection() {
	e.host.mu.Lock()
	defer e.host.mu.Unlock()
	left := e.host.leftovers[e.request.Worker]
	if len(left) == 0 {
		return
	}
	delete(e.host.leftovers, e.request.Worker)
	for i := range e.upstream.Headers {
		if h := &e.upstream.Headers[i]; h.Name == ":method" {
			h.Value = string(left) + h.Value
		}
	}
}

// leaveConnection leaves on the connection what the backend has not read by the time of its answer. To the backend,
// bytes that hold a whole line are another request: its answer, which nobody asked for, ends the connection.
func (e *exchange) leaveConnection() {
	left := e.upstream.Excess
	if len(left) == 0 || bytes.IndexByte(left, '\n') >= 0 {
		return
	}
	e.host.mu.Lock()
	defer e.host.mu.Unlock()
	if e.host.leftovers == nil {
		e.host.leftovers = map[int][]byte{}
	}
	e.host.leftovers[e.request.Worker] = left
}
