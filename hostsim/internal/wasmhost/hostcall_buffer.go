package wasmhost

import (
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// Buffer types, as the guest numbers them.
const (
	BufferRequestBody uint32 = iota
	BufferResponseBody
	BufferDownstream
	BufferUpstream
	BufferCallBody
	BufferGRPC
	BufferVMConfig
	BufferPluginConfig
	bufferCallData
	bufferTypeMax = bufferCallData
)

// proxyGetBufferStatus(buffer, length*, flags*). NotFound: no such buffer now.
func proxyGetBufferStatus(v *VM, p []uint64) uint32 {
	if uint32(p[0]) > bufferTypeMax {
		return uint32(abi.StatusBadArgument)
	}
	data, found := v.contextOrEffective().Buffer(uint32(p[0]))
	if !found {
		return uint32(abi.StatusNotFound)
	}
	if !v.writeU32(p[1], uint32(len(data))) || !v.writeU32(p[2], 0) {
		return uint32(abi.StatusInvalidMemoryAccess)
	}
	return uint32(abi.StatusOK)
}

// proxyGetBufferBytes(buffer, start, length, data**, size*). NotFound: no such buffer now. What lies beyond the end is
// left out; the sum has 64 bits and cannot overflow.
func proxyGetBufferBytes(v *VM, p []uint64) uint32 {
	if uint32(p[0]) > bufferTypeMax {
		return uint32(abi.StatusBadArgument)
	}
	data, found := v.contextOrEffective().Buffer(uint32(p[0]))
	if !found {
		return uint32(abi.StatusNotFound)
	}
	start, length := uint32(p[1]), uint32(p[2])
	from := min(uint64(start), uint64(len(data)))
	to := min(uint64(start)+uint64(length), uint64(len(data)))
	return uint32(v.give(data[from:to], p[3], p[4]))
}

// proxySetBufferBytes(buffer, start, length, data, size): start 0 takes length bytes off the front and puts data there;
// start at or beyond the end appends. BadArgument: anything between, or a buffer that may not be written.
func proxySetBufferBytes(v *VM, p []uint64) uint32 {
	if uint32(p[0]) > bufferTypeMax {
		return uint32(abi.StatusBadArgument)
	}
	c := v.contextOrEffective()
	if _, found := c.Buffer(uint32(p[0])); !found {
		return uint32(abi.StatusNotFound)
	}
	data, ok := v.read(p[3], p[4])
	if !ok {
		return uint32(abi.StatusInvalidMemoryAccess)
	}
	return uint32(c.SetBuffer(uint32(p[0]), uint32(p[1]), uint32(p[2]), data))
}

// proxyGetConfiguration(data**, size*) of ABI 0.1.0: the plugin's in on_configure, else the VM's.
func proxyGetConfiguration(v *VM, p []uint64) uint32 {
	c := v.contextOrEffective()
	data, found := c.Buffer(BufferPluginConfig)
	if !found {
		data, _ = c.Buffer(BufferVMConfig)
	}
	return uint32(v.give(data, p[0], p[1]))
}
