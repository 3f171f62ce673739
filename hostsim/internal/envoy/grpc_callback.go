package envoy

import (
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
)

// initialMetadata and trailingMetadata give the guest a stream's metadata; a call's is never shown.
func (x *grpcExchange) initialMetadata(m *header.Map) {
	c := x.root
	if x.unary || c.Guest.Failed() {
		return
	}
	c.grpcInitial = m
	c.Callback(wasmhost.OnGRPCInitialMetadata, c.id, x.id, uint32(m.Size()))
	c.grpcInitial = nil
}

func (x *grpcExchange) trailingMetadata(m *header.Map) {
	c := x.root
	if x.unary || c.Guest.Failed() {
		return
	}
	c.grpcTrailing = m
	c.Callback(wasmhost.OnGRPCTrailingMetadata, c.id, x.id, uint32(m.Size()))
	c.grpcTrailing = nil
}

// receive hands a message to the guest. Source: Envoy context.cc onGrpcReceiveWrapper.
func (x *grpcExchange) receive(message []byte) {
	c := x.root
	if c.Guest.Failed() {
		return
	}
	// The guest may write to the message; it is dropped before what the guest asks for in the callback is done.
	body := append([]byte(nil), message...)
	c.grpcMessage = &body
	c.Guest.Later(func() {
		c.grpcMessage = nil
		if x.unary {
			delete(c.grpc, x.id)
		}
	})
	c.callbackOrAfter(wasmhost.OnGRPCReceive, c.id, x.id, uint32(len(body)))
}

// remoteClose is the end by the server or the network. During a hostcall the guest learns of it after its callback.
// Source: Envoy context.cc onGrpcCloseWrapper, async_client_impl.cc AsyncRequestImpl::onRemoteClose.
func (x *grpcExchange) remoteClose(status uint32, message string) {
	x.finish()
	c := x.root
	switch {
	case c.Guest.Failed(), !c.Guest.Knows(c):
		return
	case c.Guest.InGuest():
		c.Guest.Later(func() { x.remoteClose(status, message) })
		return
	case x.unary && status == grpcOK && x.responded:
		x.receive(x.response)
		return
	case x.unary && status == grpcOK:
		status, message = grpcInternal, ""
	}
	forget := func() {
		c.statusMessage = ""
		if x.unary || x.localClosed {
			delete(c.grpc, x.id)
		}
	}
	if !c.Guest.Has(wasmhost.OnGRPCClose) {
		forget()
		return
	}
	c.statusCode, c.statusMessage = abi.Status(status), message
	c.Guest.Later(forget)
	c.callbackOrAfter(wasmhost.OnGRPCClose, c.id, x.id, status)
}
