package upstream

import (
	"strconv"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
)

// GRPCCluster is a Cluster that answers gRPC message by message. A Cluster that is not one answers a gRPC call or stream
// once, when it begins, with an HTTP/2 response such as RespondGRPC makes.
type GRPCCluster interface {
	Cluster
	// GRPC is asked when a call or stream begins and again for each further message. It must not block.
	GRPC(GRPCRequest) GRPCReply
}

// GRPCRequest is one step of a gRPC call or stream.
type GRPCRequest struct {
	// Call is what was opened: its path is /service/method. Its body is a unary call's message, with the prefix.
	Call Call
	// ID is the guest's number of the call or stream: 1 mod 4 a call, 2 mod 4 a stream.
	ID uint32
	// Opening is set for the first step. A stream's has no message yet.
	Opening bool
	// Message is what the guest sends now.
	Message []byte
	// End: the guest sends nothing more.
	End bool
}

// GRPCReply is what a server does in answer to one step. The zero value does nothing yet.
type GRPCReply struct {
	// Delay passes before all of it. A reply never overtakes an earlier one.
	Delay time.Duration
	Fault Fault
	// Headers are further initial metadata, of the first reply that says anything.
	Headers  abi.Headers
	Messages [][]byte
	// End closes the call with Status, Message and Trailers.
	End      bool
	Status   int
	Message  string
	Trailers abi.Headers
}

// RespondGRPC is a fixed answer to a gRPC call: messages and then a status.
func RespondGRPC(status int, message string, messages ...string) Answer {
	a := Answer{Headers: abi.Headers{{Name: "content-type", Value: "application/grpc"}}, Trailers: GRPCTrailers(status, message)}
	for _, m := range messages {
		a.Body = wire.AppendFrame(a.Body, []byte(m))
	}
	return a
}

// GRPCTrailers are a status as the trailers of a response have it.
func GRPCTrailers(status int, message string) abi.Headers {
	h := abi.Headers{{Name: "grpc-status", Value: strconv.Itoa(status)}}
	if message != "" {
		h = append(h, abi.Header{Name: "grpc-message", Value: message})
	}
	return h
}
