package hostsim

// stateKeyPrefix is where set_property stores. Source: Envoy filters/common/expr/cel_state.h CelStateKeyPrefix.
const stateKeyPrefix = "wasm."

// proxySetProperty(path, size, value, size) stores filter state of the stream. NotFound: the context has no stream.
// BadArgument: it is set and was declared read only.
func proxySetProperty(v *vm, p []uint64) uint32 {
	path, ok := v.read(p[0], p[1])
	value, ok2 := v.read(p[2], p[3])
	if !ok || !ok2 {
		return uint32(StatusInvalidMemoryAccess)
	}
	s := v.contextOrEffective().stream
	if s == nil {
		return uint32(StatusNotFound)
	}
	key := stateKeyPrefix + string(path)
	if _, set := s.filterState[key]; set && v.contextOrEffective().root.declared[string(path)] {
		return uint32(StatusBadArgument)
	}
	s.filterState[key] = append([]byte(nil), value...)
	return uint32(StatusOK)
}

// stateProperty is a value of filter state, by its key.
func (s *Stream) stateProperty(key string) (any, bool) {
	value, ok := s.filterState[key]
	return known(value, ok && key != unreadableObject)
}
