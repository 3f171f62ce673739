package abi

import "encoding/binary"

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
func DecodePairs(b []byte) (pairs [][2]string, ok bool) {
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
	pairs = make([][2]string, count)
	for i := range pairs {
		for side := range 2 {
			size := binary.LittleEndian.Uint32(sizes[8*i+4*side:])
			if uint64(size)+1 > uint64(len(data)) || data[size] != 0 {
				return nil, false
			}
			pairs[i][side] = string(data[:size])
			data = data[size+1:]
		}
	}
	return pairs, len(data) == 0
}

// EncodePairs is the inverse of DecodePairs.
func EncodePairs(pairs [][2]string) []byte {
	size := 4
	for _, p := range pairs {
		size += 8 + len(p[0]) + 1 + len(p[1]) + 1
	}
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, size), uint32(len(pairs)))
	for _, p := range pairs {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(p[0])))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(p[1])))
	}
	for _, p := range pairs {
		b = append(b, p[0]...)
		b = append(b, 0)
		b = append(b, p[1]...)
		b = append(b, 0)
	}
	return b
}
