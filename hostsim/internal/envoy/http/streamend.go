package http

import (
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/event"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
)

// delayedClose is Envoy's delayed_close_timeout: how long an HTTP/1 connection with a stream that was cut stays open, so
// that the client can read what was sent.
const delayedClose = time.Second

// reset ends the stream without a further response. The guest is notified at once, and a client of HTTP/1 a second
// later.
// Source: Envoy conn_manager_impl.cc checkForDeferredClose, connection_impl_base.h; measured.
func (s *Stream) reset(details string) {
	s = s.first()
	if s.Over || !s.IsHTTP1() {
		s.Cut(details)
		return
	}
	s.Lingers = true
	s.Thread.After(delayedClose, func() { s.told(details) })
	s.endAs(details)
}

// Cut is reset where the client knows at once: it has left by itself, or its whole connection ends.
func (s *Stream) Cut(details string) {
	s = s.first()
	if s.Over {
		s.told(details)
		return
	}
	s.Emit(event.Event{Kind: event.ClientReset, Reason: details})
	s.endAs(details)
}

func (s *Stream) endAs(details string) {
	if !s.detailed {
		s.setDetails(details)
	}
	s.destroy()
}

// told is called when the client sees the end of its connection.
func (s *Stream) told(details string) {
	if s.Lingers {
		s.Lingers = false
		s.Emit(event.Event{Kind: event.ClientReset, Reason: details})
		s.Emit(event.Event{Kind: event.StreamEnd, Reason: s.CodeDetails})
	}
}

// destroy ends the stream: log, done, delete. Source: Envoy conn_manager_impl.cc doDeferredStreamDestroy.
func (s *Stream) destroy() {
	if s.Over {
		return
	}
	for t := s; t != nil; t = t.next {
		t.Over = true
	}
	s.flag(envoy.EndFlags[s.CodeDetails])
	s.idleTimer.Stop()
	s.requestTimer.Stop()
	s.abandonUpstream()
	s.ended()
	if !s.Lingers {
		s.Emit(event.Event{Kind: event.StreamEnd, Reason: s.CodeDetails})
	}
}

// end is the end of the guest's context.
func (c *streamContext) end() {
	if c.Created {
		c.Callback(wasmhost.OnDone, c.ID())
		c.Callback(wasmhost.OnDelete, c.ID())
		c.Forget()
	}
	if c.Guest.Failed() {
		c.Guest.CloseUnused()
	}
}

// logPhase runs on_log, even when the request phase never ran: then the context is made now.
func (s *Stream) logPhase(c *streamContext) {
	c.Enter()
	s.logging = true
	s.decode.seenHeaders, s.decode.seenTrailers, s.encode.seenHeaders, s.encode.seenTrailers = s.decode.headers, nil, s.encode.headers, s.encode.trailers
	c.Callback(wasmhost.OnLog, c.ID())
	s.logging = false
	s.decode.seenHeaders, s.encode.seenHeaders, s.encode.seenTrailers = nil, nil, nil
}

// active notes that something moved on the stream: its idle time starts again. Held data that reaches the plugin again
// counts, as every run of it through the chain does (Source: Envoy filter_manager.cc from decodeData on). The timer
// itself stays as it is; when it fires too early, it is set for the rest.
func (s *Stream) active() {
	s = s.first()
	limit := s.Host.Config.ConnManager.StreamIdleTimeout
	if limit < 0 {
		return
	}
	s.activeAt = s.Host.Process.Clock.Now()
	if s.idleTimer == nil {
		s.idleTimer = s.Thread.After(s.idleLimit(), s.idle)
	}
}

func (s *Stream) idleLimit() time.Duration {
	if d := s.Host.Config.ConnManager.StreamIdleTimeout; d != 0 {
		return d
	}
	return envoy.DefaultStreamIdleTimeout
}

func (s *Stream) idle() {
	if left := s.idleLimit() - s.Host.Process.Clock.Now().Sub(s.activeAt); left > 0 {
		s.idleTimer = s.Thread.After(left, s.idle)
		return
	}
	s.timeout("stream_idle_timeout", "stream timeout")
}

// timeout is called when a time limit of the connection manager is reached.
func (s *Stream) timeout(details, text string) {
	if s.Over {
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

// detailsText replaces what must not appear in response code details. Source: Envoy StringUtil::replaceAllEmptySpace.
func detailsText(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || '\t' <= r && r <= '\r' {
			return '_'
		}
		return r
	}, s)
}
