package hostsim

// initialMetadata and trailingMetadata tell the guest of a stream's; a call's are for nobody.
func (x *grpcExchange) initialMetadata(m *headerMap) {
	c := x.root
	if x.unary || c.guest.Failed() {
		return
	}
	c.grpcInitial = m
	c.callback(onGRPCInitialMetadata, c.id, x.id, uint32(m.size()))
	c.grpcInitial = nil
}

func (x *grpcExchange) trailingMetadata(m *headerMap) {
	c := x.root
	if x.unary || c.guest.Failed() {
		return
	}
	c.grpcTrailing = m
	c.callback(onGRPCTrailingMetadata, c.id, x.id, uint32(m.size()))
	c.grpcTrailing = nil
}

// receive hands a message to the guest. Source: Envoy context.cc onGrpcReceiveWrapper.
func (x *grpcExchange) receive(message []byte) {
	c := x.root
	if c.guest.Failed() {
		return
	}
	// The guest may write to the message; it is gone before what the guest asks for in the callback is done.
	body := append([]byte(nil), message...)
	c.grpcMessage = &body
	c.guest.Later(func() {
		c.grpcMessage = nil
		if x.unary {
			delete(c.grpc, x.id)
		}
	})
	c.callbackOrAfter(onGRPCReceive, c.id, x.id, uint32(len(body)))
}

// remoteClose is the end that the server or the network makes. In a hostcall the guest is told after its callback.
// Source: Envoy context.cc onGrpcCloseWrapper, async_client_impl.cc AsyncRequestImpl::onRemoteClose.
func (x *grpcExchange) remoteClose(status uint32, message string) {
	x.finish()
	c := x.root
	switch {
	case c.guest.Failed(), !c.guest.Knows(c):
		return
	case c.guest.InGuest():
		c.guest.Later(func() { x.remoteClose(status, message) })
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
	if !c.guest.Has(onGRPCClose) {
		forget()
		return
	}
	c.statusCode, c.statusMessage = Status(status), message
	c.guest.Later(forget)
	c.callbackOrAfter(onGRPCClose, c.id, x.id, status)
}
