package wire

import "encoding/binary"

// Protobuf wire types. Source: protobuf.dev/programming-guides/encoding.
const (
	varintType = 0
	i64Type    = 1
	lenType    = 2
	startGroup = 3
	endGroup   = 4
	i32Type    = 5
)

// maxGroupDepth bounds nested groups, as the protobuf libraries bound recursion.
const maxGroupDepth = 100

// Field is one field of a protobuf message. Bytes is set for length-delimited fields, Number for varints.
type Field struct {
	ID     uint64
	Bytes  []byte
	Number uint64
	// Len is true for a length-delimited field, which may be empty.
	Len bool
}

// ParseMessage splits a protobuf message into its fields, in order, unknown ones included; false when it is not one.
// Fields of 4 or 8 bytes and groups are checked and left out: no message that a host reads has any.
func ParseMessage(b []byte) ([]Field, bool) {
	var fields []Field
	for len(b) > 0 {
		f, kind, rest, ok := cutProtoField(b, 0)
		if !ok || kind == endGroup {
			return nil, false
		}
		if kind == varintType || kind == lenType {
			fields = append(fields, f)
		}
		b = rest
	}
	return fields, true
}

func cutProtoField(b []byte, depth int) (f Field, kind int, rest []byte, ok bool) {
	tag, n := binary.Uvarint(b)
	if n <= 0 || tag>>3 == 0 || tag > 1<<32-1 {
		return Field{}, 0, nil, false
	}
	f.ID, kind, b = tag>>3, int(tag&7), b[n:]
	var size uint64
	switch kind {
	case varintType:
		f.Number, n = binary.Uvarint(b)
		if n <= 0 {
			return Field{}, 0, nil, false
		}
		return f, kind, b[n:], true
	case i64Type:
		size = 8
	case i32Type:
		size = 4
	case lenType:
		size, n = binary.Uvarint(b)
		if n <= 0 {
			return Field{}, 0, nil, false
		}
		b, f.Len = b[n:], true
	case startGroup:
		rest, ok = skipGroup(b, f.ID, depth+1)
		return f, kind, rest, ok
	case endGroup:
		return f, kind, b, true
	default:
		return Field{}, 0, nil, false
	}
	if size > uint64(len(b)) {
		return Field{}, 0, nil, false
	}
	if f.Len {
		f.Bytes = b[:size]
	}
	return f, kind, b[size:], true
}

// skipGroup drops fields up to the end of the group with that number.
func skipGroup(b []byte, id uint64, depth int) (rest []byte, ok bool) {
	for depth <= maxGroupDepth && len(b) > 0 {
		f, kind, next, ok := cutProtoField(b, depth)
		if !ok {
			return nil, false
		}
		if kind == endGroup {
			return next, f.ID == id
		}
		b = next
	}
	return nil, false
}

// AppendBytesField appends a length-delimited field.
func AppendBytesField(b []byte, id uint64, value []byte) []byte {
	b = binary.AppendUvarint(b, id<<3|lenType)
	b = binary.AppendUvarint(b, uint64(len(value)))
	return append(b, value...)
}

// AppendVarintField appends a number, or with 1 a true bool.
func AppendVarintField(b []byte, id, value uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, id<<3|varintType), value)
}
