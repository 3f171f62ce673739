package hostsim

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
)

// proxyGetProperty(path, size, value**, size*). NotFound: unknown, or not set now.
func proxyGetProperty(v *vm, p []uint64) uint32 {
	path, ok := v.read(p[0], p[1])
	if !ok {
		return uint32(StatusInvalidMemoryAccess)
	}
	value, ok := v.contextOrEffective().property(v.interned(path))
	if !ok {
		return uint32(StatusNotFound)
	}
	if text, ok := value.(string); ok {
		return uint32(v.giveString(text, p[2], p[3]))
	}
	data, err := serializeProperty(value)
	if err != nil {
		return uint32(StatusSerializationFailure)
	}
	return uint32(v.give(data, p[2], p[3]))
}

// maxInternedPaths bounds what a VM remembers of paths.
const maxInternedPaths = 256

// interned is string(path), but for a path that was seen before without allocation.
func (v *vm) interned(path []byte) string {
	if s, ok := v.paths[string(path)]; ok {
		return s
	}
	s := string(path)
	if v.paths == nil {
		v.paths = map[string]string{}
	}
	if len(v.paths) < maxInternedPaths {
		v.paths[s] = s
	}
	return s
}

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

// serializeProperty gives the bytes of a property: numbers, times (Unix nanoseconds) and durations (nanoseconds) in 8
// bytes, a bool in 1, maps as pairs. Source: Envoy context.cc serializeValue.
func serializeProperty(value any) ([]byte, error) {
	u64 := func(n uint64) ([]byte, error) { return binary.LittleEndian.AppendUint64(nil, n), nil }
	switch x := value.(type) {
	case string:
		return []byte(x), nil
	case []byte:
		return x, nil
	case bool:
		return []byte{byte(boolU32(x))}, nil
	case int64:
		return u64(uint64(x))
	case uint64:
		return u64(x)
	case float64:
		return u64(math.Float64bits(x))
	case time.Time:
		return u64(uint64(x.UnixNano()))
	case time.Duration:
		return u64(uint64(x.Nanoseconds()))
	case Headers:
		return wire.AppendPairs(nil, x), nil
	}
	return nil, fmt.Errorf("value of type %T: want string, []byte, bool, int64, uint64, float64, time.Time, time.Duration or Headers", value)
}
