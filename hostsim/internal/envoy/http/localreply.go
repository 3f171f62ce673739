package http

import (
	"strconv"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/event"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// localReply is a response that the proxy makes itself.
type localReply struct {
	status  int
	body    []byte
	headers abi.Headers
	grpc    int // gRPC status; noGRPCStatus for one made from the HTTP status
	details string
}

const noGRPCStatus = 0 // 0 is never asked for on purpose: a refusal is not OK

// localReply answers the client. When in the stream's life it comes decides how: during a decoder callback it is
// prepared and sent when that returns; while a response is on its way to the client but not yet out, it goes to the
// client directly, past the plugin; after that the stream is reset.
// Source: Envoy filter_manager.cc DownstreamFilterManager::sendLocalReply.
func (s *Stream) localReply(r *localReply) {
	if s.Over {
		return
	}
	switch {
	case s.decoding > 0:
		s.decode.aborted = true
	case s.encoding > 0:
		s.encode.aborted = true
	}
	switch {
	case !s.answered() && s.decoding > 0:
		if s.prepared == nil {
			s.setDetails(r.details)
			s.prepared = r
		}
	case !s.answered():
		s.setDetails(r.details)
		s.replyThroughChain(r)
	case !s.first().encoded:
		s.setDetails(r.details)
		s.stopEncoding()
		s.directReply(r)
	default:
		if s.encoding == 0 {
			s.Host.Log(s.Thread.Index, abi.LevelCritical, "a local reply to a response that is on its way, outside its callbacks: Envoy was seen to crash here", true)
		}
		s.setDetails(r.details)
		s.reset(r.details)
	}
}

// sendPrepared sends the reply that was asked for during a decoder callback.
func (s *Stream) sendPrepared() {
	if r := s.prepared; r != nil && s.decoding == 0 && !s.Over {
		s.prepared = nil
		s.replyThroughChain(r)
	}
}

// replyThroughChain lets the encoder callbacks of all plugins see the reply.
func (s *Stream) replyThroughChain(r *localReply) {
	s.Instance.Guest.InReply(func() { s.Last().encodeReply(r) })
}

func (s *Stream) encodeReply(r *localReply) {
	s.abandonUpstream()
	m := s.replyHeaders(r)
	end := len(r.body) == 0 || s.HeadReq || s.grpcReq
	s.encodeHeaders(m, end)
	if !end && !s.Over {
		s.EncodeData(r.body, true)
	}
}

// directReply goes straight to the client, past the plugin.
func (s *Stream) directReply(r *localReply) {
	s.Instance.Guest.InReply(func() { s.first().sendReply(r) })
}

func (s *Stream) sendReply(r *localReply) {
	s.abandonUpstream()
	m := s.replyHeaders(r)
	s.encode.headers = m
	end := len(r.body) == 0 || s.HeadReq || s.grpcReq
	s.toClientHeaders(m, end)
	if !end {
		s.toClientData(r.body, true)
	}
}

// abandonUpstream gives up the backend: whatever it still says is dropped.
func (s *Stream) abandonUpstream() {
	if l := s.Last(); l.isRouted && !l.UpstreamDone {
		l.UpstreamDone = true
		s.Emit(event.Event{Kind: event.UpstreamReset})
	}
}

// replyHeaders makes the reply's headers. Source: Envoy source/common/http/utility.cc prepareLocalReply.
func (s *Stream) replyHeaders(r *localReply) *header.Map {
	s.setCode(r.status)
	if r.status == badRequest {
		s.first().badRequest = true
	}
	m := &header.Map{}
	m.Add(":status", strconv.Itoa(r.status))
	for _, h := range r.headers {
		m.Add(header.LowerName(h.Name), h.Value)
	}
	m.Assign(":status", strconv.Itoa(r.status))
	if s.grpcReq {
		grpc := r.grpc
		if grpc == noGRPCStatus {
			grpc = envoy.GRPCStatusOf(r.status)
		}
		m.Set(":status", "200")
		m.Set("content-type", "application/grpc")
		m.Set("grpc-status", strconv.Itoa(grpc))
		if len(r.body) > 0 && !s.HeadReq {
			m.Set("grpc-message", envoy.GRPCMessage(string(r.body)))
		}
		return m
	}
	if len(r.body) == 0 {
		m.Remove("content-length")
		m.Remove("content-type")
		return m
	}
	m.Assign("content-length", strconv.Itoa(len(r.body)))
	if _, ok := m.Get("content-type"); !ok {
		m.Add("content-type", "text/plain")
	}
	return m
}

// RouterFailed is the router's reply to a backend that failed.
func (s *Stream) RouterFailed(f upstream.Fault) {
	if s.UpstreamDone {
		return
	}
	if s.encode.headers != nil {
		s.UpstreamDone = true
		if s.first().encoded {
			s.flag(afterStart[f].flags)
			s.setDetails(afterStart[f].details)
			s.reset(s.CodeDetails)
			return
		}
	}
	r, ok := routerReplies[f]
	if !ok {
		r = routerReplies[upstream.FaultReset]
	}
	s.UpstreamDone = true
	s.flag(envoy.FaultFlags[f])
	s.chosen = f != upstream.FaultUnknown && f != upstream.FaultNoEndpoints
	s.connected = s.chosen && f != upstream.FaultRefuse
	s.routerTold()
	reply := r
	if f == upstream.FaultRefuse {
		reply.body = []byte(s.Host.Process.Profile.RefusedText())
	}
	s.localReply(&reply)
}

// afterStart is what a failure after the response headers is called. A message that ends before its content-length is
// not HTTP.
var afterStart = map[upstream.Fault]struct {
	flags   envoy.ResponseFlags
	details string
}{
	upstream.FaultReset:   {envoy.FlagUpstreamProtocolError, "upstream_reset_after_response_started{protocol_error}"},
	upstream.FaultTimeout: {envoy.FlagUpstreamRequestTimeout, "response_timeout"},
}

var routerReplies = map[upstream.Fault]localReply{
	upstream.FaultUnknown:        {status: 503, details: "cluster_not_found"},
	upstream.FaultNoEndpoints:    {status: 503, body: []byte("no healthy upstream"), details: "no_healthy_upstream"},
	upstream.FaultRefuse:         {status: 503, details: "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}"},
	upstream.FaultReset:          {status: 503, body: []byte(envoy.ResetText), details: "upstream_reset_before_response_started{connection_termination}"},
	upstream.FaultNotHTTP:        {status: 502, body: []byte(envoy.NotHTTPText), details: "upstream_reset_before_response_started{protocol_error}"},
	upstream.FaultTimeout:        {status: 504, body: []byte(envoy.TimeoutText), details: "response_timeout"},
	upstream.FaultTimeoutMidBody: {status: 504, body: []byte(envoy.TimeoutText), details: "response_timeout"},
}
