package hostsim

import (
	"bytes"
	"time"
)

// askBackend has the backend answer, on the clock.
func (e *exchange) askBackend() {
	if e.asked {
		return
	}
	e.asked = true
	s := e.stream
	call := Call{Headers: e.upstream.Headers, Body: e.upstream.Body, Trailers: e.upstream.Trailers, Awaits: e.upstream.Awaits, Worker: s.thread.Index, At: e.host.process.envoy.clock.Now()}
	a := e.backend.Answer(call)
	if a.Wait != nil {
		a = a.Wait(e.host.process.envoy.loop.Background)
	}
	limit := e.host.listener.routeTimeout()
	if e.upstream.Awaits > 0 && isRead(a) {
		a.Fault = FaultTimeout
	}
	late := a.Fault == FaultTimeout || a.Fault == FaultNever || limit > 0 && a.Delay >= limit
	switch {
	case late && limit < 0:
		return
	case late:
		s.do(func() { s.thread.After(limit, func() { s.fed(func() { s.routerFailed(FaultTimeout) }) }) })
	default:
		s.do(func() { s.thread.After(a.Delay, func() { e.answer(a, limit) }) })
	}
}

// answer feeds the backend's answer; it runs on the stream's thread.
func (e *exchange) answer(a Answer, limit time.Duration) {
	s := e.stream
	switch a.Fault {
	case "":
	case FaultResetMidBody, FaultTimeoutMidBody:
		s.fed(func() { s.upstreamHeaders(messageHeaders(a), false) })
		if half := a.Body[:len(a.Body)/2]; len(half) > 0 {
			s.fed(func() { s.encodeData(append([]byte(nil), half...), false) })
		}
		if a.Fault == FaultResetMidBody {
			s.fed(func() { s.routerFailed(FaultReset) })
		} else if limit > 0 {
			s.thread.After(limit, func() { s.fed(func() { s.routerFailed(FaultTimeout) }) })
		}
		return
	default:
		s.fed(func() { s.routerFailed(a.Fault) })
		return
	}
	e.leaveConnection()
	m := messageHeaders(a)
	end := len(a.Body) == 0 && len(a.Trailers) == 0 || s.headReq || a.Status == 204 || a.Status == 304
	s.fed(func() { s.upstreamHeaders(m, end) })
	if end {
		return
	}
	if len(a.Body) > 0 {
		s.fed(func() { s.encodeData(append([]byte(nil), a.Body...), false) })
	}
	if len(a.Trailers) > 0 {
		s.fed(func() { s.upstreamDone = true; s.encodeTrailers(newHeaderMap(a.Trailers)) })
		return
	}
	s.fed(func() { s.upstreamDone = true; s.encodeData(nil, true) })
}

// continueConnection has the backend read what an earlier request left on the connection as the beginning of this one.
// A worker goes on with the connection that it used last.
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

// leaveConnection leaves on the connection what the backend has not read, when the answer is there. What holds a whole
// line is a request of its own to the backend: its answer, which nobody asked for, ends the connection.
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
