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

// DecodePairs reads the ABI's bytes of a header map: a count, then two sizes a
// pair, then key NUL value NUL a pair, little-endian (proxy-wasm-cpp-host
// pairs_util.cc). An empty map has no bytes at all. ok is false for anything
// else than an exact encoding.
//
// The headers lie in into, as far as it has room, and their strings in b: they
// are good for as long as neither is used for anything else.
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
	for i := range headers {
		sizes := b[4+8*i:]
		name, ok1 := textAt(b, at, binary.LittleEndian.Uint32(sizes))
		at += len(name) + 1
		value, ok2 := textAt(b, at, binary.LittleEndian.Uint32(sizes[4:]))
		at += len(value) + 1
		if !ok1 || !ok2 {
			return nil, false
		}
		headers[i] = host.Header{Name: name, Value: value}
	}
	return headers, at == len(b)
}

// textAt gives size bytes of b as they lie there, if a NUL comes after them.
func textAt(b []byte, at int, size uint32) (text string, ok bool) {
	if at >= len(b) || uint64(size) >= uint64(len(b)-at) || b[at+int(size)] != 0 {
		return "", false
	}
	return unsafe.String(&b[at], int(size)), true
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
