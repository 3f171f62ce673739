package hostsim

import (
	"fmt"
	"strconv"
	"strings"
)

// localReply is a response that the proxy makes itself.
type localReply struct {
	status  int
	body    []byte
	headers Headers
	grpc    int // gRPC status; noGRPCStatus for one made from the HTTP status
	details string
}

const (
	noGRPCStatus    = 0 // 0 is never asked for on purpose: a reply that denies is not OK
	grpcUnavailable = 14
)

// localReply answers the client. Where in the stream's life it comes decides how: during a decoder callback it is
// prepared and sent when that returns; while a response is on its way to the client but not yet out, it goes to the
// client directly, past the plugin; after that the stream is reset.
// Source: Envoy filter_manager.cc DownstreamFilterManager::sendLocalReply.
func (s *httpStream) localReply(r *localReply) {
	if s.over {
		return
	}
	switch {
	case s.decoding > 0:
		s.decode.aborted = true
	case s.encoding > 0:
		s.encode.aborted = true
	}
	switch {
	case s.encode.headers == nil && s.decoding > 0:
		if s.prepared == nil {
			s.setDetails(r.details)
			s.prepared = r
		}
	case s.encode.headers == nil:
		s.setDetails(r.details)
		s.replyThroughChain(r)
	case !s.encoded:
		s.setDetails(r.details)
		s.encode.aborted = true
		s.directReply(r)
	default:
		if s.encoding == 0 {
			s.host.log(s.thread.Index, LevelCritical, "a local reply to a response that is on its way, outside of its callbacks: Envoy was seen to die here", true)
		}
		s.setDetails(r.details)
		s.reset(r.details)
	}
}

// sendPrepared sends the reply that was asked for during a decoder callback.
func (s *httpStream) sendPrepared() {
	if r := s.prepared; r != nil && s.decoding == 0 && !s.over {
		s.prepared = nil
		s.replyThroughChain(r)
	}
}

// replyThroughChain lets our own encoder callbacks see the reply.
func (s *httpStream) replyThroughChain(r *localReply) {
	s.instance.guest.InReply(func() { s.encodeReply(r) })
}

func (s *httpStream) encodeReply(r *localReply) {
	s.abandonUpstream()
	m := s.replyHeaders(r)
	end := len(r.body) == 0 || s.headReq || s.grpcReq
	s.encodeHeaders(m, end)
	if !end && !s.over {
		s.encodeData(r.body, true)
	}
}

// directReply goes to the client past the plugin.
func (s *httpStream) directReply(r *localReply) {
	s.instance.guest.InReply(func() { s.sendReply(r) })
}

func (s *httpStream) sendReply(r *localReply) {
	s.abandonUpstream()
	m := s.replyHeaders(r)
	s.encode.headers = m
	end := len(r.body) == 0 || s.headReq || s.grpcReq
	s.toClientHeaders(m, end)
	if !end {
		s.toClientData(r.body, true)
	}
}

// abandonUpstream: whatever the backend still says is for nobody.
func (s *httpStream) abandonUpstream() {
	if s.isRouted && !s.upstreamDone {
		s.upstreamDone = true
		s.emit(Event{Kind: UpstreamReset})
	}
}

// replyHeaders makes the reply's headers. Source: Envoy source/common/http/utility.cc prepareLocalReply.
func (s *httpStream) replyHeaders(r *localReply) *headerMap {
	s.setCode(r.status)
	s.badRequest = s.badRequest || r.status == badRequest
	m := &headerMap{}
	m.add(":status", strconv.Itoa(r.status))
	for _, h := range r.headers {
		m.add(lowerName(h.Name), h.Value)
	}
	m.assign(":status", strconv.Itoa(r.status))
	if s.grpcReq {
		grpc := r.grpc
		if grpc == noGRPCStatus {
			grpc = grpcStatusOf(r.status)
		}
		m.set(":status", "200")
		m.set("content-type", "application/grpc")
		m.set("grpc-status", strconv.Itoa(grpc))
		if len(r.body) > 0 && !s.headReq {
			m.set("grpc-message", grpcMessage(string(r.body)))
		}
		return m
	}
	if len(r.body) == 0 {
		m.remove("content-length")
		m.remove("content-type")
		return m
	}
	m.assign("content-length", strconv.Itoa(len(r.body)))
	if _, ok := m.get("content-type"); !ok {
		m.add("content-type", "text/plain")
	}
	return m
}

// routerFailed is the router's reply to a backend that failed.
func (s *httpStream) routerFailed(f Fault) {
	if s.upstreamDone {
		return
	}
	if s.encode.headers != nil {
		s.upstreamDone = true
		if s.encoded {
			s.flags |= afterStart[f].flags
			s.setDetails(afterStart[f].details)
			s.reset(s.details)
			return
		}
	}
	r, ok := routerReplies[f]
	if !ok {
		r = routerReplies[FaultReset]
	}
	s.upstreamDone = true
	s.flags |= faultFlags[f]
	s.chosen = f != FaultUnknown && f != FaultNoEndpoints
	s.connected = s.chosen && f != FaultRefuse
	reply := r
	if f == FaultRefuse {
		reply.body = []byte(s.host.process.profile.refusedText())
	}
	s.localReply(&reply)
}

// afterStart is what a failure after the response headers is called. What ends before its content-length is not HTTP.
var afterStart = map[Fault]struct {
	flags   responseFlags
	details string
}{
	FaultReset:   {flagUpstreamProtocolError, "upstream_reset_after_response_started{protocol_error}"},
	FaultTimeout: {flagUpstreamRequestTimeout, "response_timeout"},
}

var routerReplies = map[Fault]localReply{
	FaultUnknown:        {status: 503, details: "cluster_not_found"},
	FaultNoEndpoints:    {status: 503, body: []byte("no healthy upstream"), details: "no_healthy_upstream"},
	FaultRefuse:         {status: 503, details: "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}"},
	FaultReset:          {status: 503, body: []byte(resetText), details: "upstream_reset_before_response_started{connection_termination}"},
	FaultNotHTTP:        {status: 502, body: []byte(notHTTPText), details: "upstream_reset_before_response_started{protocol_error}"},
	FaultTimeout:        {status: 504, body: []byte(timeoutText), details: "response_timeout"},
	FaultTimeoutMidBody: {status: 504, body: []byte(timeoutText), details: "response_timeout"},
}

// grpcStatusOf is the gRPC status of an HTTP one. Source: Envoy source/common/grpc/status.cc httpToGrpcStatus.
func grpcStatusOf(http int) int {
	switch http {
	case 400:
		return 13
	case 401:
		return 16
	case 403:
		return 7
	case 404:
		return 12
	case 429, 502, 503, 504:
		return grpcUnavailable
	}
	return 2
}

// grpcMessage percent-encodes a message. Source: gRPC over HTTP/2, "Status-Message".
func grpcMessage(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
