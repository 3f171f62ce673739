package hostsim

import (
	"strings"
	"time"
)

// delayedClose is Envoy's delayed_close_timeout: how long an HTTP/1 connection with a stream that was cut stays open, so
// that the client can read what was sent.
const delayedClose = time.Second

// reset ends the stream without a further response. The guest is told at once, and a client of HTTP/1 a second later.
// Source: Envoy conn_manager_impl.cc checkForDeferredClose, connection_impl_base.h; measured.
func (s *httpStream) reset(details string) {
	if s.over || !s.isHTTP1() {
		s.cut(details)
		return
	}
	s.lingers = true
	s.thread.After(delayedClose, func() { s.told(details) })
	s.endAs(details)
}

// cut is reset where the client knows at once: it has gone itself, or the whole connection goes.
func (s *httpStream) cut(details string) {
	if s.over {
		s.told(details)
		return
	}
	s.emit(Event{Kind: ClientReset, Reason: details})
	s.endAs(details)
}

func (s *httpStream) endAs(details string) {
	if !s.detailed {
		s.setDetails(details)
	}
	s.destroy()
}

// told: the client sees the end of its connection.
func (s *httpStream) told(details string) {
	if s.lingers {
		s.lingers = false
		s.emit(Event{Kind: ClientReset, Reason: details})
		s.emit(Event{Kind: StreamEnd, Reason: s.details})
	}
}

// destroy ends the stream: log, done, delete. Source: Envoy conn_manager_impl.cc doDeferredStreamDestroy.
func (s *httpStream) destroy() {
	if s.over {
		return
	}
	s.over = true
	s.flags |= endFlags[s.details]
	for _, stop := range []func(){s.stopIdle, s.stopRequest} {
		if stop != nil {
			stop()
		}
	}
	if s.isRouted && !s.upstreamDone {
		s.upstreamDone = true
		s.emit(Event{Kind: UpstreamReset})
	}
	if c := s.ctx; c != nil {
		s.logPhase(c)
		if c.created {
			c.callback(onDone, c.id)
			c.callback(onDelete, c.id)
			c.forget()
		}
		if c.guest.Failed() {
			c.guest.CloseUnused()
		}
	}
	delete(s.instance.streams, s)
	if !s.lingers {
		s.emit(Event{Kind: StreamEnd, Reason: s.details})
	}
}

// logPhase runs on_log, also when the request phase never ran: the context is made then.
func (s *httpStream) logPhase(c *streamContext) {
	c.enter()
	s.logging = true
	s.requestMap, s.requestTrailerMap, s.responseMap, s.responseTrailerMap = s.decode.headers, nil, s.encode.headers, s.encode.trailers
	c.callback(onLog, c.id)
	s.logging = false
	s.requestMap, s.responseMap, s.responseTrailerMap = nil, nil, nil
}

// active notes that something moved on the stream: its idle time begins again. Held data that comes to the plugin again
// counts, as every run of it through the chain does (Source: Envoy filter_manager.cc decodeData and on). The timer itself stays as it is, and when
// it fires too early, it is set for the rest.
func (s *httpStream) active() {
	limit := s.host.config.connManager.StreamIdleTimeout
	if limit < 0 {
		return
	}
	s.activeAt = s.host.process.clock.Now()
	if s.stopIdle == nil {
		s.stopIdle = s.thread.After(s.idleLimit(), s.idle)
	}
}

func (s *httpStream) idleLimit() time.Duration {
	if d := s.host.config.connManager.StreamIdleTimeout; d != 0 {
		return d
	}
	return defaultStreamIdleTimeout
}

func (s *httpStream) idle() {
	if left := s.idleLimit() - s.host.process.clock.Now().Sub(s.activeAt); left > 0 {
		s.stopIdle = s.thread.After(left, s.idle)
		return
	}
	s.timeout("stream_idle_timeout", "stream timeout")
}

// timeout is a time limit of the connection manager.
func (s *httpStream) timeout(details, text string) {
	if s.over {
		return
	}
	status := 408
	if s.decode.complete {
		status = 504
	}
	if s.encoded {
		s.reset(details)
		return
	}
	s.localReply(&localReply{status: status, body: []byte(text), details: details})
}

// detailsText replaces what may not stand in response code details. Source: Envoy StringUtil::replaceAllEmptySpace.
func detailsText(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || '\t' <= r && r <= '\r' {
			return '_'
		}
		return r
	}, s)
}
