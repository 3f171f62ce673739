package hostsim

import "github.com/sallyport-gateway/sallyport/hostsim/internal/wire"

// Header map types, as the guest numbers them.
const (
	mapRequestHeaders uint32 = iota
	mapRequestTrailers
	mapResponseHeaders
	mapResponseTrailers
	mapGRPCInitial
	mapGRPCTrailing
	mapCallHeaders
	mapCallTrailers
	mapTypeMax = mapCallTrailers
)

// headerMap is the map that the guest may read now, nil when there is none. Source: Envoy context.cc getConstMap.
func (c *guestContext) headerMap(kind uint32) *headerMap {
	switch kind {
	case mapGRPCInitial:
		return c.root.grpcInitial
	case mapGRPCTrailing:
		return c.root.grpcTrailing
	case mapCallHeaders, mapCallTrailers:
		r := c.root.response
		switch {
		case r == nil:
			return nil
		case kind == mapCallHeaders:
			return r.headers
		}
		return r.trailers
	}
	if c.stream == nil {
		return nil
	}
	switch kind {
	case mapRequestHeaders:
		return c.stream.requestMap
	case mapRequestTrailers:
		return c.stream.requestTrailerMap
	case mapResponseHeaders:
		return c.stream.responseMap
	case mapResponseTrailers:
		return c.stream.responseTrailerMap
	}
	return nil
}

// mutableMap is the map that the guest may write now: of a stream, and not in its log phase.
func (c *guestContext) mutableMap(kind uint32) *headerMap {
	if kind > mapResponseTrailers || c.stream == nil || c.stream.logging {
		return nil
	}
	return c.headerMap(kind)
}

// proxyGetHeaderMapValue(map, key, size, value**, size*) gives the first value. NotFound: no such header, or in the log
// phase no such map. BadArgument: unknown map type, or a map that is not there now.
func proxyGetHeaderMapValue(v *vm, p []uint64) uint32 {
	if uint32(p[0]) > mapTypeMax {
		return uint32(StatusBadArgument)
	}
	key, ok := v.read(p[1], p[2])
	if !ok {
		return uint32(StatusInvalidMemoryAccess)
	}
	c := v.contextOrEffective()
	m := c.headerMap(uint32(p[0]))
	if m == nil {
		if c.stream != nil && c.stream.logging {
			return uint32(StatusNotFound)
		}
		return uint32(StatusBadArgument)
	}
	value, ok := m.getBytes(key)
	if !ok && v.linked.abi != abi010 {
		return uint32(StatusNotFound)
	}
	return uint32(v.giveString(value, p[3], p[4]))
}

// nameAndValue reads what add and replace have in common. A nil map comes with the status to answer.
func (v *vm) nameAndValue(p []uint64) (m *headerMap, name headerName, value string, status Status) {
	if uint32(p[0]) > mapTypeMax {
		return nil, headerName{}, "", StatusBadArgument
	}
	k, ok := v.read(p[1], p[2])
	val, ok2 := v.read(p[3], p[4])
	if !ok || !ok2 {
		return nil, headerName{}, "", StatusInvalidMemoryAccess
	}
	m = v.contextOrEffective().mutableMap(uint32(p[0]))
	if m == nil {
		return nil, headerName{}, "", StatusBadArgument
	}
	return m, v.headerName(k), v.headerText.keep(val), StatusOK
}

// proxyAddHeaderMapValue(map, key, size, value, size). Values are not checked: CR, LF and NUL go through, as in Envoy.
func proxyAddHeaderMapValue(v *vm, p []uint64) uint32 {
	m, name, value, status := v.nameAndValue(p)
	if status == StatusOK {
		m.put(name, value)
	}
	return uint32(status)
}

// proxyReplaceHeaderMapValue(map, key, size, value, size) removes all values and sets one.
func proxyReplaceHeaderMapValue(v *vm, p []uint64) uint32 {
	m, name, value, status := v.nameAndValue(p)
	if status == StatusOK {
		m.remove(name.text)
		m.put(name, value)
	}
	return uint32(status)
}

// proxyRemoveHeaderMapValue(map, key, size) removes all values; OK also when there is none.
func proxyRemoveHeaderMapValue(v *vm, p []uint64) uint32 {
	if uint32(p[0]) > mapTypeMax {
		return uint32(StatusBadArgument)
	}
	key, ok := v.read(p[1], p[2])
	if !ok {
		return uint32(StatusInvalidMemoryAccess)
	}
	m := v.contextOrEffective().mutableMap(uint32(p[0]))
	if m == nil {
		return uint32(StatusBadArgument)
	}
	m.remove(v.headerName(key).text)
	return uint32(StatusOK)
}

// proxyGetHeaderMapPairs(map, pairs**, size*). A map that is not there now reads as empty.
func proxyGetHeaderMapPairs(v *vm, p []uint64) uint32 {
	if uint32(p[0]) > mapTypeMax {
		return uint32(StatusBadArgument)
	}
	var h Headers
	if m := v.contextOrEffective().headerMap(uint32(p[0])); m != nil {
		h = m.h
	}
	return uint32(v.givePairs(h, p[1], p[2]))
}

// proxySetHeaderMapPairs(map, pairs, size) replaces the whole map. Pairs that break the format count as none, so the
// map is emptied.
func proxySetHeaderMapPairs(v *vm, p []uint64) uint32 {
	if uint32(p[0]) > mapTypeMax {
		return uint32(StatusBadArgument)
	}
	data, ok := v.read(p[1], p[2])
	if !ok {
		return uint32(StatusInvalidMemoryAccess)
	}
	m := v.contextOrEffective().mutableMap(uint32(p[0]))
	if m == nil {
		return uint32(StatusBadArgument)
	}
	pairs := wire.OpenPairs(data)
	m.h = m.h[:0] // nobody else holds it: what leaves is a copy
	for {
		name, value, ok := pairs.Next()
		if !ok {
			break
		}
		m.put(v.headerName(name), v.headerText.keep(value))
	}
	if !pairs.Whole() {
		m.h = m.h[:0]
	}
	return uint32(StatusOK)
}

// proxyGetHeaderMapSize(map, size*) gives the bytes of all names and values.
func proxyGetHeaderMapSize(v *vm, p []uint64) uint32 {
	if uint32(p[0]) > mapTypeMax {
		return uint32(StatusBadArgument)
	}
	m := v.contextOrEffective().mutableMap(uint32(p[0]))
	if m == nil {
		return uint32(StatusBadArgument)
	}
	return v.putU32(p[1], uint32(m.byteSize()))
}
