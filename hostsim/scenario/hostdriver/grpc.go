package hostdriver

import (
	"strconv"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// grpcServer is a server that answers a gRPC call or stream when the guest has said all.
type grpcServer struct {
	*server
	open map[stream]scenario.Request
}

// stream is what a call or stream is known by: each worker's guest counts for itself.
type stream struct {
	worker int
	id     uint32
}

// cluster is the server as the simulated host asks it.
func cluster(s *server, a scenario.Answer) upstream.Cluster {
	if a.GRPC {
		return &grpcServer{server: s, open: map[stream]scenario.Request{}}
	}
	return s
}

// GRPC is asked by the simulated host for each step.
func (s *grpcServer) GRPC(r upstream.GRPCRequest) upstream.GRPCReply {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := stream{r.Call.Worker, r.ID}
	asked := s.open[key]
	if r.Opening {
		asked = SeenRequest(r.Call.Headers, nil)
	}
	if r.Message != nil || r.Opening && r.End { // a call has a message, be it empty
		asked.Body = wire.AppendFrame(asked.Body, r.Message)
	}
	if !r.End {
		s.open[key] = asked
		return upstream.GRPCReply{}
	}
	delete(s.open, key)
	s.seen = append(s.seen, asked)
	return grpcReply(wireAnswer(s.answer))
}

// grpcReply is a response of HTTP/2, in gRPC's own terms.
func grpcReply(a upstream.Answer) upstream.GRPCReply {
	out := upstream.GRPCReply{Delay: a.Delay, Fault: a.Fault, End: a.Fault == ""}
	if !out.End {
		a.Body = a.Body[:len(a.Body)/2]
	}
	out.Messages, _ = wire.ParseFrames(a.Body)
	for _, h := range a.Headers {
		if h.Name != "content-type" {
			out.Headers = append(out.Headers, h)
		}
	}
	var rest abi.Headers
	for _, h := range a.Trailers {
		switch h.Name {
		case "grpc-status":
			out.Status, _ = strconv.Atoi(h.Value)
		case "grpc-message":
			out.Message = h.Value
		default:
			rest = append(rest, h)
		}
	}
	out.Trailers = rest
	return out
}
