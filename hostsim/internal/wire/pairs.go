// Package wire reads and writes the byte formats that a proxy-wasm host and its guest exchange: header maps ("pairs")
// and property paths.
package wire

import (
	"encoding/binary"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// Bounds of what a guest may hand over as pairs. Source: proxy-wasm-cpp-host include/proxy-wasm/limits.h.
const (
	MaxPairsBytes = 1 << 20
	MaxPairsCount = 1024
)

// Pair is one name and value of a header map.
type Pair = abi.Header

const (
	countSize   = 4 // u32 number of pairs
	lengthsSize = 8 // u32 name length, u32 value length
)

// PairsSize is the number of bytes that AppendPairs adds.
func PairsSize(pairs []Pair) int {
	n := countSize
	for i := range pairs {
		n += lengthsSize + len(pairs[i].Name) + 1 + len(pairs[i].Value) + 1
	}
	return n
}

// AppendPairs appends the encoding of pairs to b: u32 count, then the lengths of each name and value, then each name
// and value with a NUL behind it; all numbers little-endian. The host never sends zero pairs: it writes a nil pointer.
func AppendPairs(b []byte, pairs []Pair) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(pairs)))
	for i := range pairs {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(pairs[i].Name)))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(pairs[i].Value)))
	}
	for i := range pairs {
		b = append(append(b, pairs[i].Name...), 0)
		b = append(append(b, pairs[i].Value...), 0)
	}
	return b
}

// Pairs reads encoded pairs one by one; the zero value has none. Whether they keep to the format is only known after
// the last: see Whole.
type Pairs struct {
	lengths, text []byte
	broken        bool
}

// OpenPairs is for pairs that a guest handed over. Source: proxy-wasm-cpp-host src/pairs_util.cc toPairs.
func OpenPairs(b []byte) Pairs {
	if len(b) > MaxPairsBytes || len(b) < countSize {
		return Pairs{broken: true}
	}
	count := binary.LittleEndian.Uint32(b)
	if count > MaxPairsCount || uint64(countSize)+uint64(count)*lengthsSize > uint64(len(b)) {
		return Pairs{broken: true}
	}
	behind := countSize + int(count)*lengthsSize
	return Pairs{lengths: b[countSize:behind], text: b[behind:]}
}

// Len is the number of pairs left.
func (p *Pairs) Len() int { return len(p.lengths) / lengthsSize }

// Next takes the next pair, as views of the encoding; false when none is left, or it is broken.
func (p *Pairs) Next() (name, value []byte, ok bool) {
	if len(p.lengths) == 0 || p.broken {
		return nil, nil, false
	}
	name, rest, ok := cutField(p.text, binary.LittleEndian.Uint32(p.lengths))
	if ok {
		value, rest, ok = cutField(rest, binary.LittleEndian.Uint32(p.lengths[4:]))
	}
	p.lengths, p.text, p.broken = p.lengths[lengthsSize:], rest, !ok
	return name, value, ok
}

// Whole is true when Next has read all pairs, and nothing broke the format or its bounds. If it is false, none of them
// counts: Envoy treats that as an empty map and reports nothing.
func (p *Pairs) Whole() bool { return !p.broken && len(p.lengths) == 0 && len(p.text) == 0 }

// ParsePairs returns copies of all pairs; nil and false when they are not Whole.
func ParsePairs(b []byte) ([]Pair, bool) {
	p := OpenPairs(b)
	pairs := make([]Pair, 0, p.Len())
	for {
		name, value, ok := p.Next()
		if !ok {
			break
		}
		pairs = append(pairs, Pair{Name: string(name), Value: string(value)})
	}
	if !p.Whole() {
		return nil, false
	}
	return pairs, true
}

// cutField takes n bytes and the NUL behind them from b.
func cutField(b []byte, n uint32) (field, rest []byte, ok bool) {
	if uint64(n) >= uint64(len(b)) || b[n] != 0 {
		return nil, nil, false
	}
	return b[:n], b[n+1:], true
}
