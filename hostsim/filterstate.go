package hostsim

// stateKeyPrefix is where set_property stores. Source: Envoy filters/common/expr/cel_state.h CelStateKeyPrefix.
const stateKeyPrefix = "wasm."

// stateProperty is a value of filter state, by its key.
func (s *Stream) stateProperty(key string) (any, bool) {
	value, ok := s.filterState[key]
	return known(value, ok && key != unreadableObject)
}
