package hostsim

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
)

// propertyValue is what a property has, as the guest gets it; the zero value is no property. It is not an interface, so
// that reading one allocates nothing. Source: Envoy context.cc serializeValue.
type propertyValue struct {
	shape   propertyShape
	text    string
	number  uint64
	bytes   []byte
	headers Headers
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

func textValue(s string) propertyValue     { return propertyValue{shape: textShape, text: s} }
func bytesValue(b []byte) propertyValue    { return propertyValue{shape: bytesShape, bytes: b} }
func headersValue(h Headers) propertyValue { return propertyValue{shape: pairsShape, headers: h} }

// numberValue is an integer, a time in Unix nanoseconds or a duration in nanoseconds.
func numberValue[T ~int64 | ~uint64](n T) propertyValue {
	return propertyValue{shape: numberShape, number: uint64(n)}
}

func boolValue(b bool) propertyValue {
	return propertyValue{shape: boolShape, number: uint64(boolU32(b))}
}

// when is the value when ok, and else no property.
func (p propertyValue) when(ok bool) propertyValue {
	if !ok {
		return propertyValue{}
	}
	return p
}

// wholeValue is what a path names that ends too early, such as "request".
func wholeValue() propertyValue { return propertyValue{shape: wholeShape} }

func nonEmpty(s string) propertyValue { return textValue(s).when(s != "") }

// propertyOf makes a value of what the test gave.
func propertyOf(value any) (propertyValue, error) {
	switch x := value.(type) {
	case string:
		return textValue(x), nil
	case []byte:
		return bytesValue(x), nil
	case bool:
		return boolValue(x), nil
	case int64:
		return numberValue(x), nil
	case uint64:
		return numberValue(x), nil
	case float64:
		return numberValue(math.Float64bits(x)), nil
	case time.Time:
		return numberValue(x.UnixNano()), nil
	case time.Duration:
		return numberValue(x), nil
	case Headers:
		return headersValue(x), nil
	}
	return propertyValue{}, fmt.Errorf("value of type %T: want string, []byte, bool, int64, uint64, float64, time.Time, time.Duration or Headers", value)
}

// render is the value as the guest gets it: text, or else bytes, which are good until the next call.
func (g *guest) render(p propertyValue) (text string, data []byte, status Status) {
	switch p.shape {
	case textShape:
		return p.text, nil, StatusOK
	case bytesShape:
		return "", p.bytes, StatusOK
	case pairsShape: // unlike a header map, none is not a nil pointer
		g.scratch = wire.AppendPairs(g.scratch[:0], p.headers)
	case boolShape:
		g.scratch = append(g.scratch[:0], byte(p.number))
	case numberShape:
		g.scratch = binary.LittleEndian.AppendUint64(g.scratch[:0], p.number)
	case wholeShape:
		return "", nil, StatusSerializationFailure
	default:
		return "", nil, StatusNotFound
	}
	return "", g.scratch, StatusOK
}
