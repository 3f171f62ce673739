package wasmhost

import (
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// proxyCallForeignFunction(name, size, argument, size, result**, size*). NotFound: no such function. The result is
// written whatever the status. Source: proxy-wasm-cpp-host src/exports.cc call_foreign_function.
func proxyCallForeignFunction(v *VM, p []uint64) uint32 {
	name, ok := v.read(p[0], p[1])
	argument, ok2 := v.read(p[2], p[3])
	if !ok || !ok2 {
		return uint32(abi.StatusInvalidMemoryAccess)
	}
	result, status, known := v.contextOrEffective().CallForeign(string(name), argument)
	if !known {
		return uint32(abi.StatusNotFound)
	}
	if uint32(p[4]) != 0 && uint32(p[5]) != 0 {
		if s := v.give(result, p[4], p[5]); s != abi.StatusOK {
			return uint32(s)
		}
	}
	return uint32(status)
}
