package hostsim

// Buffer types, as the guest numbers them.
const (
	bufferRequestBody uint32 = iota
	bufferResponseBody
	bufferDownstream
	bufferUpstream
	bufferCallBody
	bufferGRPC
	bufferVMConfig
	bufferPluginConfig
	bufferCallData
	bufferTypeMax = bufferCallData
)

// buffer is what the guest may read now. found is false when there is no such buffer; a body buffer outside of its
// callback is there and empty. body is set when the guest may also write. Source: Envoy context.cc getBuffer.
func (c *guestContext) buffer(kind uint32) (data []byte, body *[]byte, found bool) {
	chunk := func(p *[]byte) ([]byte, *[]byte, bool) {
		if p == nil {
			return nil, nil, true
		}
		return *p, p, true
	}
	switch kind {
	case bufferRequestBody:
		if c.stream == nil {
			return nil, nil, true
		}
		return chunk(c.stream.requestChunk)
	case bufferResponseBody:
		if c.stream == nil {
			return nil, nil, true
		}
		return chunk(c.stream.responseChunk)
	case bufferGRPC:
		return chunk(c.root.grpcMessage)
	case bufferDownstream, bufferUpstream:
		if c.connection == nil {
			return nil, nil, true
		}
		return chunk(c.connection.chunk(kind))
	case bufferCallData:
		return nil, nil, true
	case bufferCallBody:
		if c.root.response == nil {
			return nil, nil, false
		}
		return c.root.response.body, nil, true
	case bufferVMConfig:
		return c.vm.config, nil, true
	case bufferPluginConfig:
		if !c.configuring {
			return nil, nil, false
		}
		return c.instance.generation.config, nil, true
	}
	return nil, nil, false
}

// proxyGetBufferStatus(buffer, length*, flags*). NotFound: no such buffer now.
func proxyGetBufferStatus(v *vm, p []uint64) uint32 {
	if uint32(p[0]) > bufferTypeMax {
		return uint32(StatusBadArgument)
	}
	data, _, found := v.contextOrEffective().buffer(uint32(p[0]))
	if !found {
		return uint32(StatusNotFound)
	}
	if !v.writeU32(p[1], uint32(len(data))) || !v.writeU32(p[2], 0) {
		return uint32(StatusInvalidMemoryAccess)
	}
	return uint32(StatusOK)
}

// proxyGetBufferBytes(buffer, start, length, data**, size*). NotFound: no such buffer now. What lies behind
// the end is left out; the sum is one of 64 bits, which cannot overflow.
func proxyGetBufferBytes(v *vm, p []uint64) uint32 {
	if uint32(p[0]) > bufferTypeMax {
		return uint32(StatusBadArgument)
	}
	data, _, found := v.contextOrEffective().buffer(uint32(p[0]))
	if !found {
		return uint32(StatusNotFound)
	}
	start, length := uint32(p[1]), uint32(p[2])
	from := min(uint64(start), uint64(len(data)))
	to := min(uint64(start)+uint64(length), uint64(len(data)))
	return uint32(v.give(data[from:to], p[3], p[4]))
}

// proxySetBufferBytes(buffer, start, length, data, size): start 0 takes length bytes off the front and puts data there;
// start at or behind the end appends. BadArgument: anything between, or a buffer that may not be written.
func proxySetBufferBytes(v *vm, p []uint64) uint32 {
	if uint32(p[0]) > bufferTypeMax {
		return uint32(StatusBadArgument)
	}
	_, body, found := v.contextOrEffective().buffer(uint32(p[0]))
	if !found {
		return uint32(StatusNotFound)
	}
	data, ok := v.read(p[3], p[4])
	if !ok {
		return uint32(StatusInvalidMemoryAccess)
	}
	if body == nil {
		return uint32(StatusBadArgument)
	}
	old, start, length := *body, uint64(uint32(p[1])), uint64(uint32(p[2]))
	switch {
	case start == 0:
		rest := old[min(length, uint64(len(old))):]
		*body = append(append(make([]byte, 0, len(data)+len(rest)), data...), rest...)
	case start >= uint64(len(old)):
		*body = append(old[:len(old):len(old)], data...)
	default:
		return uint32(StatusBadArgument)
	}
	return uint32(StatusOK)
}

// proxyGetConfiguration(data**, size*) of ABI 0.1.0: the plugin's in on_configure, else the VM's.
func proxyGetConfiguration(v *vm, p []uint64) uint32 {
	c := v.contextOrEffective()
	kind := bufferVMConfig
	if c.configuring {
		kind = bufferPluginConfig
	}
	data, _, _ := c.buffer(kind)
	return uint32(v.give(data, p[0], p[1]))
}
