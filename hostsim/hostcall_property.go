package hostsim

// proxyGetProperty(path, size, value**, size*). NotFound: unknown, or not set now.
func proxyGetProperty(v *vm, p []uint64) uint32 {
	path, ok := v.read(p[0], p[1])
	if !ok {
		return uint32(StatusInvalidMemoryAccess)
	}
	return uint32(v.giveProperty(v.contextOrEffective().property(v.propertyPath(path)), p[2], p[3]))
}

// proxySetProperty(path, size, value, size) stores filter state of the stream. NotFound: the context has no stream.
// BadArgument: it is set and was declared read only.
func proxySetProperty(v *vm, p []uint64) uint32 {
	name, ok := v.read(p[0], p[1])
	value, ok2 := v.read(p[2], p[3])
	if !ok || !ok2 {
		return uint32(StatusInvalidMemoryAccess)
	}
	s := v.contextOrEffective().flow
	if s == nil {
		return uint32(StatusNotFound)
	}
	path := v.propertyPath(name)
	old, set := s.filterState[path.stateKey]
	if set && v.contextOrEffective().root.declared[path.text] {
		return uint32(StatusBadArgument)
	}
	s.filterState[path.stateKey] = append(old[:0], value...)
	return uint32(StatusOK)
}
