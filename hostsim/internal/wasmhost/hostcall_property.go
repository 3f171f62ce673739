package wasmhost

import (
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// proxyGetProperty(path, size, value**, size*). NotFound: unknown, or not set now.
func proxyGetProperty(v *VM, p []uint64) uint32 {
	path, ok := v.read(p[0], p[1])
	if !ok {
		return uint32(abi.StatusInvalidMemoryAccess)
	}
	text, data, status := v.contextOrEffective().Property(path)
	switch {
	case status != abi.StatusOK:
		return uint32(status)
	case text != "":
		return uint32(v.giveString(text, p[2], p[3]))
	}
	return uint32(v.give(data, p[2], p[3]))
}

// proxySetProperty(path, size, value, size) stores filter state of the stream. NotFound: the context has no stream.
// BadArgument: it is set and was declared read only.
func proxySetProperty(v *VM, p []uint64) uint32 {
	path, ok := v.read(p[0], p[1])
	value, ok2 := v.read(p[2], p[3])
	if !ok || !ok2 {
		return uint32(abi.StatusInvalidMemoryAccess)
	}
	return uint32(v.contextOrEffective().SetProperty(path, value))
}
