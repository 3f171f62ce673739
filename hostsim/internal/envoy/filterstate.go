package envoy

import (
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/foreign"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/property"
)

// stateProperty is a value of filter state, by its key.
func (s *Flow) stateProperty(key string) property.Value {
	value, ok := s.filterState[key]
	return property.Bytes(value).When(ok && key != foreign.UnreadableObject)
}
