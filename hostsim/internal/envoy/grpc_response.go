package envoy

import (
	"strconv"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// gRPC statuses that the host makes itself.
const (
	grpcOK          = 0
	grpcUnknown     = 2
	grpcInternal    = 13
	GRPCUnavailable = 14
	// grpcInvalid stands for a status that is not a number from 0 to 16. Source: Envoy Grpc::Status InvalidCode, -1.
	grpcInvalid = 1<<32 - 1
)

// How the message of a failure ends. Source: Envoy response code details.
const (
	viaUpstream    = "via_upstream"
	resetMidway    = "upstream_reset_after_response_started{remote_reset}"
	timeoutMidway  = "response_timeout"
	refusedDetails = "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}"
	resetDetails   = "upstream_reset_before_response_started{connection_termination}"
	notHTTPDetails = "upstream_reset_before_response_started{protocol_error}"
)

// schedule makes a server's reply arrive, after those before it.
func (x *grpcExchange) schedule(r upstream.GRPCReply) {
	if r.Fault == "" && r.Headers == nil && len(r.Messages) == 0 && !r.End {
		return
	}
	now := x.root.Host.Process.Clock.Now()
	due := now.Add(r.Delay)
	if due.Before(x.busyUntil) {
		due = x.busyUntil
	}
	x.busyUntil = due
	x.after(due.Sub(now), func() { x.reply(r) })
}

func (x *grpcExchange) reply(r upstream.GRPCReply) {
	if r.Fault != "" && r.Fault != upstream.FaultResetMidBody && r.Fault != upstream.FaultTimeoutMidBody {
		x.fail(r.Fault)
		return
	}
	headers := header.New(append(abi.Headers{{Name: ":status", Value: "200"}, {Name: "content-type", Value: "application/grpc"}}, r.Headers...))
	trailers := header.New(append(upstream.GRPCTrailers(r.Status, r.Message), r.Trailers...))
	switch {
	case x.started:
	case r.End && len(r.Messages) == 0:
		for _, h := range trailers.List {
			headers.Add(h.Name, h.Value)
		}
		x.headers(headers, true)
	default:
		x.headers(headers, false)
	}
	x.messages(r.Messages)
	switch {
	case x.over:
	case r.Fault != "":
		x.fail(r.Fault)
	case r.End:
		x.trailers(trailers)
	}
}

// answer schedules an HTTP/2 response with everything in it.
func (x *grpcExchange) answer(a upstream.Answer) {
	if a.Fault == upstream.FaultTimeout || a.Fault == upstream.FaultNever {
		return // the timeout, if any, ends it
	}
	x.after(a.Delay, func() {
		if a.Fault != "" && a.Fault != upstream.FaultResetMidBody && a.Fault != upstream.FaultTimeoutMidBody {
			x.fail(a.Fault)
			return
		}
		x.headers(statusHeaders(a), a.Fault == "" && len(a.Body) == 0 && len(a.Trailers) == 0)
		messages, ok := wire.ParseFrames(a.Body)
		switch {
		case x.over:
		case !ok:
			x.streamError(grpcInternal, viaUpstream)
		default:
			x.messages(messages)
		}
		switch {
		case x.over:
		case a.Fault != "":
			x.fail(a.Fault)
		case len(a.Trailers) > 0:
			x.trailers(header.New(a.Trailers))
		default:
			x.streamError(grpcUnknown, viaUpstream)
		}
	})
}

// fail is a fault of the network.
func (x *grpcExchange) fail(f upstream.Fault) {
	switch f {
	case upstream.FaultResetMidBody:
		x.streamError(grpcInternal, resetMidway)
	case upstream.FaultTimeout, upstream.FaultTimeoutMidBody, upstream.FaultNever:
	case upstream.FaultRefuse:
		x.local(x.root.Host.Process.Profile.RefusedText(), refusedDetails)
	case upstream.FaultNotHTTP:
		x.local(NotHTTPText, notHTTPDetails)
	default:
		if x.started {
			x.streamError(grpcInternal, resetMidway)
			return
		}
		x.local(ResetText, resetDetails)
	}
}

func (x *grpcExchange) timedOut() {
	if x.started {
		x.streamError(grpcInternal, timeoutMidway)
		return
	}
	x.local(TimeoutText, timeoutMidway)
}

// local is a response that Envoy's router makes: one block of headers that is also the trailers.
func (x *grpcExchange) local(message, details string) {
	x.initialMetadata(&header.Map{})
	if x.over {
		return
	}
	x.trailingMetadata(header.New(abi.Headers{{Name: ":status", Value: "200"}, {Name: "content-type", Value: "application/grpc"},
		{Name: "grpc-status", Value: strconv.Itoa(GRPCUnavailable)}, {Name: "grpc-message", Value: GRPCMessage(message)}}))
	x.remoteClose(GRPCUnavailable, GRPCMessage(message)+"{"+details+"}")
}

// headers takes the response's headers. With end they are the whole response.
func (x *grpcExchange) headers(m *header.Map, end bool) {
	x.started = true
	if x.sentEnd {
		elapsed := x.root.Host.Process.Clock.Now().Sub(x.call.At)
		m.Set("x-envoy-upstream-service-time", strconv.FormatInt(int64(elapsed/time.Millisecond), 10))
	}
	status, _ := m.Get(":status")
	_, hasStatus := m.Get("grpc-status")
	initial := m
	if end || status != "200" {
		initial = &header.Map{}
	}
	x.initialMetadata(initial)
	switch {
	case x.over:
	case end && (hasStatus || status == "200"):
		x.trailers(m)
	case status != "200":
		http, _ := strconv.Atoi(status)
		x.streamError(uint32(GRPCStatusOf(http)), viaUpstream)
	}
}

// messages are handed to a stream one by one; a call keeps the last.
func (x *grpcExchange) messages(messages [][]byte) {
	for _, m := range messages {
		switch {
		case x.over:
			return
		case x.unary:
			x.response, x.responded = m, true
		default:
			x.receive(m)
		}
	}
}

func (x *grpcExchange) trailers(m *header.Map) {
	x.trailingMetadata(m)
	if x.over {
		return
	}
	status := uint32(grpcUnknown)
	if text, ok := m.Get("grpc-status"); ok {
		n, err := strconv.ParseUint(text, 10, 32)
		if status = uint32(n); err != nil || n > MaxGRPCStatus {
			status = grpcInvalid
		}
	}
	message, _ := m.Get("grpc-message")
	if message == "" {
		x.remoteClose(status, viaUpstream)
		return
	}
	x.remoteClose(status, message+"{"+viaUpstream+"}")
}

// streamError is an end without trailers.
func (x *grpcExchange) streamError(status uint32, message string) {
	x.trailingMetadata(&header.Map{})
	if !x.over {
		x.remoteClose(status, message)
	}
}
