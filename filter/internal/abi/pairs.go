package abi

import (
	"encoding/binary"

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
func DecodePairs(b []byte) (headers []host.Header, ok bool) {
	if len(b) == 0 {
		return nil, true
	}
	if len(b) < 4 || len(b) > MaxPairsBytes {
		return nil, false
	}
	count := binary.LittleEndian.Uint32(b)
	if count > MaxPairs || len(b) < 4+8*int(count) {
		return nil, false
	}
	sizes, data := b[4:4+8*count], b[4+8*count:]
	headers = make([]host.Header, count)
	for i := range headers {
		for side, text := range [2]*string{&headers[i].Name, &headers[i].Value} {
			size := binary.LittleEndian.Uint32(sizes[8*i+4*side:])
			if uint64(size)+1 > uint64(len(data)) || data[size] != 0 {
				return nil, false
			}
			*text = string(data[:size])
			data = data[size+1:]
		}
	}
	return headers, len(data) == 0
}

// EncodePairs is the inverse of DecodePairs.
func EncodePairs(headers []host.Header) []byte {
	size := 4
	for _, h := range headers {
		size += 8 + len(h.Name) + 1 + len(h.Value) + 1
	}
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, size), uint32(len(headers)))
	for _, h := range headers {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(h.Name)))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(h.Value)))
	}
	for _, h := range headers {
		b = append(b, h.Name...)
		b = append(b, 0)
		b = append(b, h.Value...)
		b = append(b, 0)
	}
	return b
}
