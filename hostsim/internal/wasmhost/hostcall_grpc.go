package wasmhost

import (
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
)

// proxyGRPCCall(service, size, service name, size, method, size, metadata, size, message, size, timeout ms, id*) begins a
// unary call that belongs to the context's root. The service is a serialized GrpcService, or the name of a cluster.
// ParseFailure: neither. InternalFailure: it failed at once; proxy_on_grpc_close still comes, after this callback, for
// an id that the guest was never given. Success is one proxy_on_grpc_receive, failure one proxy_on_grpc_close.
func proxyGRPCCall(v *VM, p []uint64) uint32 {
	message, ok := v.read(p[8], p[9])
	open, ok2 := v.readGRPCOpening(p)
	if !ok || !ok2 {
		return uint32(abi.StatusInvalidMemoryAccess)
	}
	open.Unary, open.Message = true, append([]byte(nil), message...)
	open.Timeout = time.Duration(uint32(p[10])) * time.Millisecond
	return v.openGRPC(open, p[11])
}

// proxyGRPCStream(service, size, service name, size, method, size, metadata, size, id*) opens a stream, as proxyGRPCCall
// does. A stream that fails at once gets its initial and trailing metadata before this returns.
func proxyGRPCStream(v *VM, p []uint64) uint32 {
	open, ok := v.readGRPCOpening(p)
	if !ok {
		return uint32(abi.StatusInvalidMemoryAccess)
	}
	return v.openGRPC(open, p[8])
}

// readGRPCOpening reads what both have in common.
func (v *VM) readGRPCOpening(p []uint64) (GRPCOpening, bool) {
	service, ok := v.read(p[0], p[1])
	name, ok2 := v.read(p[2], p[3])
	method, ok3 := v.read(p[4], p[5])
	metadata, ok4 := v.read(p[6], p[7])
	if !ok || !ok2 || !ok3 || !ok4 {
		return GRPCOpening{}, false
	}
	pairs, _ := wire.ParsePairs(metadata)
	return GRPCOpening{Service: string(service), Path: "/" + string(name) + "/" + string(method), Metadata: pairs}, true
}

// openGRPC writes the id only when the call is on its way.
func (v *VM) openGRPC(o GRPCOpening, idPtr uint64) uint32 {
	id, status := v.contextOrEffective().OpenGRPC(o)
	if status != abi.StatusOK {
		return uint32(status)
	}
	return v.putU32(idPtr, id)
}

// proxyGRPCSend(id, message, size, end of stream). BadArgument: not the id of a stream. NotFound: no such stream. What
// comes after the end is dropped.
func proxyGRPCSend(v *VM, p []uint64) uint32 {
	message, ok := v.read(p[1], p[2])
	if !ok {
		return uint32(abi.StatusInvalidMemoryAccess)
	}
	return uint32(v.contextOrEffective().SendGRPC(uint32(p[0]), message, uint32(p[3]) != 0))
}

// proxyGRPCCancel(id) forgets a call, or resets a stream: no further callback comes. BadArgument: the id is of neither
// kind. NotFound: no such call or stream.
func proxyGRPCCancel(v *VM, p []uint64) uint32 {
	return uint32(v.contextOrEffective().CancelGRPC(uint32(p[0])))
}

// proxyGRPCClose(id) cancels a call, or ends the guest's side of a stream, whose callbacks go on. Errors as in
// proxyGRPCCancel.
func proxyGRPCClose(v *VM, p []uint64) uint32 {
	return uint32(v.contextOrEffective().CloseGRPC(uint32(p[0])))
}
