package wasmbin

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// Sections that are rewritten.
const (
	sectionMemory    = 5
	sectionCode      = 10
	sectionData      = 11
	sectionDataCount = 12
)

// section is one section with its place in the binary.
type section struct {
	id         byte
	whole      []byte // with id and length
	body       []byte
	start, end int
}

// sections splits a binary; false when it is incomplete.
func sections(wasm []byte) ([]section, bool) {
	if len(wasm) < headerSize || [4]byte(wasm[:4]) != magic {
		return nil, false
	}
	var out []section
	for r := (reader{b: wasm[headerSize:]}); len(r.b) > 0; {
		s := section{start: len(wasm) - len(r.b)}
		s.id = r.byte()
		s.body = r.bytes(r.u32())
		if r.failed {
			return nil, false
		}
		s.end = len(wasm) - len(r.b)
		s.whole = wasm[s.start:s.end]
		out = append(out, s)
	}
	return out, true
}

// Hollow is the module with a trap as the body of each function. That is all a host needs of a module whose machine
// code it already has, and it is quick to decode and to validate. False: the binary is incomplete.
func Hollow(wasm []byte) ([]byte, bool) {
	// Length 3, no locals, unreachable, end: valid for any signature.
	trap := []byte{3, 0, 0x00, 0x0b}
	parts, ok := sections(wasm)
	if !ok {
		return nil, false
	}
	out := slices.Clone(wasm[:headerSize])
	for _, s := range parts {
		if s.id != sectionCode {
			out = append(out, s.whole...)
			continue
		}
		r := reader{b: s.body}
		n := r.count()
		if r.failed {
			return nil, false
		}
		body := binary.AppendUvarint(nil, uint64(n))
		for range n {
			body = append(body, trap...)
		}
		out = appendSection(out, sectionCode, body)
	}
	return out, true
}

func appendSection(b []byte, id byte, body []byte) []byte {
	b = append(b, id)
	b = binary.AppendUvarint(b, uint64(len(body)))
	return append(b, body...)
}

// maxZeroGap is how many zeros between two data segments are written out to make one of them.
const maxZeroGap = 256

var zeros [maxZeroGap]byte

// JoinData is the module with neighbouring data segments merged: Go's linker cuts its data at every few zeros, into ten
// thousand segments, which cost more to decode and to copy, one by one, than the zeros do. What memory holds at the
// start is the same. A module for which that is not obvious comes back unchanged.
func JoinData(wasm []byte) []byte {
	parts, ok := sections(wasm)
	if !ok {
		return wasm
	}
	memory, at := false, -1
	for i, s := range parts {
		switch s.id {
		case sectionMemory:
			memory = true // its own, so it is all zeros
		case sectionDataCount: // code may name segments by number
			return wasm
		case sectionData:
			at = i
		}
	}
	if !memory || at < 0 {
		return wasm
	}
	joined, ok := joinSegments(parts[at].body)
	if !ok {
		return wasm
	}
	out := slices.Clone(wasm[:parts[at].start])
	return append(appendSection(out, sectionData, joined), wasm[parts[at].end:]...)
}

// segment is an active data segment of memory 0, at a constant place.
type segment struct {
	at   uint32
	data []byte
}

// joinSegments is false when segments are not all of that kind, or overlap, so that their order matters.
func joinSegments(body []byte) ([]byte, bool) {
	r := reader{b: body}
	segments := make([]segment, r.count())
	for i := range segments {
		segments[i] = r.segment()
	}
	if r.failed || len(r.b) > 0 {
		return nil, false
	}
	slices.SortStableFunc(segments, func(a, b segment) int { return cmp.Compare(a.at, b.at) })
	var joined []segment
	end := uint64(0)
	for _, s := range segments {
		if uint64(s.at) < end {
			return nil, false
		}
		last := len(joined) - 1
		if gap := uint64(s.at) - end; last >= 0 && gap <= maxZeroGap {
			joined[last].data = append(append(joined[last].data, zeros[:gap]...), s.data...)
		} else {
			joined = append(joined, segment{s.at, slices.Clone(s.data)})
		}
		end = uint64(s.at) + uint64(len(s.data))
	}
	out := binary.AppendUvarint(nil, uint64(len(joined)))
	for _, s := range joined {
		out = append(out, 0, opI32Const)
		out = append(appendS32(out, int32(s.at)), opEnd)
		out = binary.AppendUvarint(out, uint64(len(s.data)))
		out = append(out, s.data...)
	}
	return out, true
}

const (
	opI32Const = 0x41
	opEnd      = 0x0b
)

// segment fails on any that is not of its kind.
func (r *reader) segment() segment {
	if r.u32() != 0 || r.byte() != opI32Const {
		r.failed = true
	}
	at := r.s32()
	if r.byte() != opEnd {
		r.failed = true
	}
	return segment{uint32(at), r.bytes(r.u32())}
}

// s32 is signed LEB128, at most five bytes.
func (r *reader) s32() int32 {
	var v int64
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		v |= int64(b&0x7f) << shift
		if b&0x80 == 0 {
			if b&0x40 != 0 {
				v |= -1 << (shift + 7)
			}
			if v != int64(int32(v)) {
				r.failed = true
			}
			return int32(v)
		}
	}
	r.failed = true
	return 0
}

func appendS32(b []byte, n int32) []byte {
	for {
		c := byte(n & 0x7f)
		n >>= 7
		if n == 0 && c&0x40 == 0 || n == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}
