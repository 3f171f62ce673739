package abi

import (
	"encoding/binary"
	"unsafe"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

// Bounds of a header map from the host. Envoy's own default is 100 headers and
// 60 KiB; its ABI allows 1024 pairs and 1 MiB (proxy-wasm-cpp-host limits.h).
const (
	MaxPairs      = 1024
	MaxPairsBytes = 1 << 20
)

// DecodePairs reads the ABI's bytes of a header map: a count, then two sizes
// per pair, then key NUL value NUL per pair, little-endian (proxy-wasm-cpp-host
// pairs_util.cc). An empty map has no bytes at all. ok is false for anything
// but an exact encoding.
//
// The headers are put into into, if it has room, and their strings stay in b:
// they are good until either is used for something else.
func DecodePairs(into []host.Header, b []byte) (headers []host.Header, ok bool) {
	if len(b) == 0 {
		return nil, true
	}
	if len(b) < 4 || len(b) > MaxPairsBytes {
		return nil, false
	}
	count := int(binary.LittleEndian.Uint32(b))
	if count > MaxPairs || len(b) < 4+8*count {
		return nil, false
	}
	if into == nil || cap(into) < count {
		into = make([]host.Header, count)
	}
	headers = into[:count]
	at := 4 + 8*count // of the next text
	start := unsafe.Pointer(unsafe.SliceData(b))
	for i := range headers {
		nameSize, valueSize := twoSizes(unsafe.Add(start, 4+8*i))
		valueAt := at + nameSize + 1
		next := valueAt + valueSize + 1
		if next > len(b) || b[valueAt-1] != 0 || b[next-1] != 0 {
			return nil, false
		}
		h := &headers[i]
		h.Name = unsafe.String((*byte)(unsafe.Add(start, at)), nameSize)
		h.Value = unsafe.String((*byte)(unsafe.Add(start, valueAt)), valueSize)
		at = next
	}
	return headers, at == len(b)
}

// twoSizes reads the eight bytes at p, little-endian, as is every machine that
// this runs on: for anything else the compiler emits a load per byte on Wasm.
// Neither size, nor a sum of a few of them, is beyond an int.
func twoSizes(p unsafe.Pointer) (first, second int) {
	both := *(*uint64)(p)
	return int(uint32(both)), int(both >> 32)
}

// EncodePairs is the inverse of DecodePairs.
func EncodePairs(headers []host.Header) []byte {
	size := 4
	for i := range headers {
		size += 8 + len(headers[i].Name) + 1 + len(headers[i].Value) + 1
	}
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, size), uint32(len(headers)))
	for i := range headers {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(headers[i].Name)))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(headers[i].Value)))
	}
	for i := range headers {
		b = append(b, headers[i].Name...)
		b = append(b, 0)
		b = append(b, headers[i].Value...)
		b = append(b, 0)
	}
	return b
}
