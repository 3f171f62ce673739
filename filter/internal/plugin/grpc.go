package plugin

import (
	"encoding/binary"

	"github.com/sallyport-gateway/sallyport/filter/internal/abi"
	wire "github.com/sallyport-gateway/sallyport/filter/internal/host"
)

// DispatchGRPC sends a unary call; see engine.Host.
func (h *proxy) DispatchGRPC(c wire.GRPCCall, land func(wire.GRPCAnswer)) (ok bool) {
	status := abi.GRPCCall(h.root, grpcService(c.Cluster), c.Service, c.Method, c.Message, uint32(c.Timeout.Milliseconds()),
		func(status, size int) { land(grpcAnswer(status, size, c.MaxAnswer)) })
	return status == abi.OK
}

func grpcAnswer(status, size, most int) wire.GRPCAnswer {
	if status != 0 || size > most {
		return wire.GRPCAnswer{}
	}
	if size == 0 {
		return wire.GRPCAnswer{OK: true}
	}
	message, s := abi.GRPCMessage(size)
	return wire.GRPCAnswer{OK: s == abi.OK, Message: message}
}

// grpcService encodes an envoy.config.core.v3.GrpcService with
// envoy_grpc.cluster_name. The host takes a bare name too, but reads it as a
// message first, and aborts if it happens to be one.
func grpcService(cluster string) []byte {
	name := appendField(make([]byte, 0, len(cluster)+16), cluster)
	return appendField(make([]byte, 0, len(name)+8), string(name))
}

// appendField appends field 1 with bytes (protobuf.dev/programming-guides/encoding).
//
//go:noinline
func appendField(b []byte, value string) []byte {
	const field1 = 1<<3 | 2
	return append(binary.AppendUvarint(append(b, field1), uint64(len(value))), value...)
}
