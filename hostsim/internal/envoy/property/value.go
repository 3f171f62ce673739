// Package property has paths and values of proxy_get_property, and those values that depend on nothing else.
package property

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
)

// Value is the value of a property, as the guest gets it; the zero value is no property. It is not an interface, so
// that reading one allocates nothing. Source: Envoy context.cc serializeValue.
type Value struct {
	shape   propertyShape
	text    string
	number  uint64
	bytes   []byte
	headers abi.Headers
}

type propertyShape uint8

const (
	noProperty propertyShape = iota
	textShape
	bytesShape
	numberShape // 8 bytes
	boolShape   // 1 byte
	pairsShape
	wholeShape // a wrapper of other values, which cannot be serialized
)

func Text(s string) Value       { return Value{shape: textShape, text: s} }
func Bytes(b []byte) Value      { return Value{shape: bytesShape, bytes: b} }
func Pairs(h abi.Headers) Value { return Value{shape: pairsShape, headers: h} }

// Number is an integer, a time in Unix nanoseconds or a duration in nanoseconds.
func Number[T ~int64 | ~uint64](n T) Value {
	return Value{shape: numberShape, number: uint64(n)}
}

func oneIf(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func Bool(b bool) Value {
	return Value{shape: boolShape, number: oneIf(b)}
}

// When is the value if ok, and otherwise no property.
func (p Value) When(ok bool) Value {
	if !ok {
		return Value{}
	}
	return p
}

// Whole is what a path that ends too early, such as "request", names.
func Whole() Value { return Value{shape: wholeShape} }

func NonEmpty(s string) Value { return Text(s).When(s != "") }

// Of makes a Value of what the test set.
func Of(value any) (Value, error) {
	switch x := value.(type) {
	case string:
		return Text(x), nil
	case []byte:
		return Bytes(x), nil
	case bool:
		return Bool(x), nil
	case int64:
		return Number(x), nil
	case uint64:
		return Number(x), nil
	case float64:
		return Number(math.Float64bits(x)), nil
	case time.Time:
		return Number(x.UnixNano()), nil
	case time.Duration:
		return Number(x), nil
	case abi.Headers:
		return Pairs(x), nil
	}
	return Value{}, fmt.Errorf("value of type %T: want string, []byte, bool, int64, uint64, float64, time.Time, time.Duration or Headers", value)
}

// Render is the value as the guest gets it: text, or else bytes, which may be in scratch.
func (p Value) Render(scratch *[]byte) (text string, data []byte, status abi.Status) {
	into := (*scratch)[:0]
	switch p.shape {
	case textShape:
		return p.text, nil, abi.StatusOK
	case bytesShape:
		return "", p.bytes, abi.StatusOK
	case pairsShape: // unlike a header map, none is not a nil pointer
		into = wire.AppendPairs(into, p.headers)
	case boolShape:
		into = append(into, byte(p.number))
	case numberShape:
		into = binary.LittleEndian.AppendUint64(into, p.number)
	case wholeShape:
		return "", nil, abi.StatusSerializationFailure
	default:
		return "", nil, abi.StatusNotFound
	}
	*scratch = into
	return "", into, abi.StatusOK
}

// IsNone is true for no property.
func (p Value) IsNone() bool { return p.shape == noProperty }
