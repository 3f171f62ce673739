package wasmhost

import (
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
)

// Header map types, as the guest numbers them.
const (
	MapRequestHeaders uint32 = iota
	MapRequestTrailers
	MapResponseHeaders
	MapResponseTrailers
	MapGRPCInitial
	MapGRPCTrailing
	MapCallHeaders
	MapCallTrailers
	mapTypeMax = MapCallTrailers
)

// proxyGetHeaderMapValue(map, key, size, value**, size*) returns the first value. NotFound: no such header, or in the
// log phase no such map. BadArgument: unknown map type, or a map that is not there now.
func proxyGetHeaderMapValue(v *VM, p []uint64) uint32 {
	if uint32(p[0]) > mapTypeMax {
		return uint32(abi.StatusBadArgument)
	}
	key, ok := v.read(p[1], p[2])
	if !ok {
		return uint32(abi.StatusInvalidMemoryAccess)
	}
	value, found, status := v.contextOrEffective().HeaderValue(uint32(p[0]), key)
	if status != abi.StatusOK {
		return uint32(status)
	}
	if !found && v.linked.abi != abi010 {
		return uint32(abi.StatusNotFound)
	}
	return uint32(v.giveString(value, p[3], p[4]))
}

// nameAndValue reads what add and replace have in common.
func (v *VM) nameAndValue(p []uint64) (name, value []byte, status abi.Status) {
	if uint32(p[0]) > mapTypeMax {
		return nil, nil, abi.StatusBadArgument
	}
	name, ok := v.read(p[1], p[2])
	value, ok2 := v.read(p[3], p[4])
	if !ok || !ok2 {
		return nil, nil, abi.StatusInvalidMemoryAccess
	}
	return name, value, abi.StatusOK
}

// proxyAddHeaderMapValue(map, key, size, value, size). Values are not checked: CR, LF and NUL go through, as in Envoy.
func proxyAddHeaderMapValue(v *VM, p []uint64) uint32 {
	name, value, status := v.nameAndValue(p)
	if status == abi.StatusOK {
		status = v.contextOrEffective().AddHeader(uint32(p[0]), name, value)
	}
	return uint32(status)
}

// proxyReplaceHeaderMapValue(map, key, size, value, size) removes all values and sets one.
func proxyReplaceHeaderMapValue(v *VM, p []uint64) uint32 {
	name, value, status := v.nameAndValue(p)
	if status == abi.StatusOK {
		status = v.contextOrEffective().ReplaceHeader(uint32(p[0]), name, value)
	}
	return uint32(status)
}

// proxyRemoveHeaderMapValue(map, key, size) removes all values; OK also when there is none.
func proxyRemoveHeaderMapValue(v *VM, p []uint64) uint32 {
	if uint32(p[0]) > mapTypeMax {
		return uint32(abi.StatusBadArgument)
	}
	key, ok := v.read(p[1], p[2])
	if !ok {
		return uint32(abi.StatusInvalidMemoryAccess)
	}
	return uint32(v.contextOrEffective().RemoveHeader(uint32(p[0]), key))
}

// proxyGetHeaderMapPairs(map, pairs**, size*). A map that is not there now reads as empty.
func proxyGetHeaderMapPairs(v *VM, p []uint64) uint32 {
	if uint32(p[0]) > mapTypeMax {
		return uint32(abi.StatusBadArgument)
	}
	return uint32(v.givePairs(v.contextOrEffective().HeaderPairs(uint32(p[0])), p[1], p[2]))
}

// proxySetHeaderMapPairs(map, pairs, size) replaces the whole map. Pairs that break the format count as none, so the
// map is emptied.
func proxySetHeaderMapPairs(v *VM, p []uint64) uint32 {
	if uint32(p[0]) > mapTypeMax {
		return uint32(abi.StatusBadArgument)
	}
	data, ok := v.read(p[1], p[2])
	if !ok {
		return uint32(abi.StatusInvalidMemoryAccess)
	}
	v.pairs = wire.OpenPairs(data)
	return uint32(v.contextOrEffective().SetHeaderPairs(uint32(p[0]), &v.pairs))
}

// proxyGetHeaderMapSize(map, size*) returns the number of bytes of all names and values.
func proxyGetHeaderMapSize(v *VM, p []uint64) uint32 {
	if uint32(p[0]) > mapTypeMax {
		return uint32(abi.StatusBadArgument)
	}
	size, status := v.contextOrEffective().HeaderSize(uint32(p[0]))
	if status != abi.StatusOK {
		return uint32(status)
	}
	return v.putU32(p[1], uint32(size))
}
