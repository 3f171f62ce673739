package wasmbin

import "github.com/tetratelabs/wazero/api"

// reader takes bytes from the front. Once a byte is missing it has failed, and everything reads as zero.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) bytes(n uint32) []byte {
	if r.failed || uint64(n) > uint64(len(r.b)) {
		r.failed = true
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

// u32 is LEB128, at most five bytes.
func (r *reader) u32() uint32 {
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		v |= uint64(b&0x7f) << shift
		if b&0x80 == 0 {
			break
		}
		r.failed = r.failed || shift == 28
	}
	if v > 1<<32-1 {
		r.failed = true
	}
	if r.failed {
		return 0
	}
	return uint32(v)
}

// count is the length of a vector, each element of which takes at least a byte.
func (r *reader) count() uint32 {
	n := r.u32()
	if uint64(n) > uint64(len(r.b)) {
		r.failed = true
		return 0
	}
	return n
}

func (r *reader) name() string { return string(r.bytes(r.u32())) }

// Value types that take more than their own byte begin with these.
const (
	nullableReference = 0x63
	reference         = 0x64
)

// valueTypes is not plain when a type takes more than its own byte.
func (r *reader) valueTypes() (types []api.ValueType, plain bool) {
	for n := r.count(); n > 0 && !r.failed; n-- {
		t := r.byte()
		if t == nullableReference || t == reference {
			return nil, false
		}
		types = append(types, t)
	}
	return types, true
}

func (r *reader) limits() {
	const hasMaximum = 1
	flags := r.byte()
	r.u64()
	if flags&hasMaximum != 0 {
		r.u64()
	}
}

// u64 skips a LEB128 of up to ten bytes.
func (r *reader) u64() {
	for range 10 {
		if r.byte()&0x80 == 0 {
			return
		}
	}
	r.failed = true
}
