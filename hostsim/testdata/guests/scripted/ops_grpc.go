//go:build wasip1

package main

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/testdata/guests/abi"
)

var lastGRPC uint32

// grpcOp has the gRPC operations. A cluster written "proto:NAME" is sent as a serialized GrpcService, any other as its
// name.
func (e *execution) grpcOp(name, op string) (string, bool) {
	w := words(op, 5)
	switch name {
	case "unary": // unary CLUSTER MS METHOD MESSAGE
		id, st := abi.GRPCCall(service(w[1]), "test.Service", w[3], abi.Pairs("x-meta", "m"), w[4], number(w[2]))
		lastGRPC = id
		e.keepWaiting()
		return numeric(uint64(id), st), true
	case "stream": // stream CLUSTER METHOD
		id, st := abi.GRPCStream(service(w[1]), "test.Service", w[2], abi.Pairs("x-meta", "m"))
		lastGRPC = id
		e.keepWaiting()
		return numeric(uint64(id), st), true
	case "gsend": // gsend ID END MESSAGE; ID "last" is that of the last call or stream
		return status(abi.GRPCSend(grpcID(w[1]), w[3], number(w[2]))), true
	case "gcancel": // gcancel ID
		return status(abi.GRPCCancel(grpcID(w[1]))), true
	case "gclose": // gclose ID
		return status(abi.GRPCClose(grpcID(w[1]))), true
	}
	return "", false
}

func grpcID(s string) uint32 {
	if s == "last" {
		return lastGRPC
	}
	return number(s)
}

// service is envoy.config.core.v3.GrpcService{envoy_grpc: {cluster_name: NAME}} for "proto:NAME".
func service(s string) string {
	cluster, ok := strings.CutPrefix(s, "proto:")
	if !ok {
		return s
	}
	inner := "\x0a" + string(rune(len(cluster))) + cluster
	return "\x0a" + string(rune(len(inner))) + inner
}

//go:wasmexport proxy_on_grpc_receive_initial_metadata
func onGRPCInitialMetadata(root, id, n uint32) { run("grpc_receive_initial_metadata", root, 0, id, n) }

//go:wasmexport proxy_on_grpc_receive
func onGRPCReceive(root, id, size uint32) { run("grpc_receive", root, 0, id, size) }

//go:wasmexport proxy_on_grpc_receive_trailing_metadata
func onGRPCTrailingMetadata(root, id, n uint32) {
	run("grpc_receive_trailing_metadata", root, 0, id, n)
}

//go:wasmexport proxy_on_grpc_close
func onGRPCClose(root, id, code uint32) { run("grpc_close", root, 0, id, code) }
