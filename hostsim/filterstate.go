package hostsim

// stateKeyPrefix is where set_property stores. Source: Envoy filters/common/expr/cel_state.h CelStateKeyPrefix.
const stateKeyPrefix = "wasm."

// stateProperty is a value of filter state, by its key.
func (s *flow) stateProperty(key string) propertyValue {
	value, ok := s.filterState[key]
	return bytesValue(value).when(ok && key != unreadableObject)
}
