// Package wire reads and writes the byte formats that a proxy-wasm host and its guest exchange: header maps ("pairs")
// and property paths.
package wire

import "encoding/binary"

// Bounds of what a guest may hand over as pairs. Source: proxy-wasm-cpp-host include/proxy-wasm/limits.h.
const (
	MaxPairsBytes = 1 << 20
	MaxPairsCount = 1024
)

// Pair is one name and value of a header map.
type Pair struct{ Name, Value string }

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

// Pairs are encoded pairs that keep the format and its bounds; the zero value is none.
type Pairs struct{ lengths, text []byte }

// OpenPairs checks pairs that a guest handed over. Whatever breaks the format or its bounds gives no pairs and false;
// Envoy treats that as an empty map and reports nothing. Source: proxy-wasm-cpp-host src/pairs_util.cc toPairs.
func OpenPairs(b []byte) (Pairs, bool) {
	if len(b) > MaxPairsBytes || len(b) < countSize {
		return Pairs{}, false
	}
	count := binary.LittleEndian.Uint32(b)
	if count > MaxPairsCount || uint64(countSize)+uint64(count)*lengthsSize > uint64(len(b)) {
		return Pairs{}, false
	}
	behind := countSize + int(count)*lengthsSize
	checked := Pairs{b[countSize:behind], b[behind:]}
	p := checked
	for len(p.lengths) > 0 {
		if _, _, ok := p.Next(); !ok {
			return Pairs{}, false
		}
	}
	if len(p.text) != 0 {
		return Pairs{}, false
	}
	return checked, true
}

// Len is the number of pairs left.
func (p *Pairs) Len() int { return len(p.lengths) / lengthsSize }

// Next takes the next pair, as views of the encoding; false when none is left.
func (p *Pairs) Next() (name, value []byte, ok bool) {
	if len(p.lengths) == 0 {
		return nil, nil, false
	}
	name, rest, ok := cutField(p.text, binary.LittleEndian.Uint32(p.lengths))
	if !ok {
		return nil, nil, false
	}
	value, rest, ok = cutField(rest, binary.LittleEndian.Uint32(p.lengths[4:]))
	if !ok {
		return nil, nil, false
	}
	p.lengths, p.text = p.lengths[lengthsSize:], rest
	return name, value, true
}

// ParsePairs is OpenPairs with copies of all pairs.
func ParsePairs(b []byte) ([]Pair, bool) {
	p, ok := OpenPairs(b)
	if !ok {
		return nil, false
	}
	pairs := make([]Pair, 0, p.Len())
	for {
		name, value, ok := p.Next()
		if !ok {
			return pairs, true
		}
		pairs = append(pairs, Pair{string(name), string(value)})
	}
}

// cutField takes n bytes and the NUL behind them from b.
func cutField(b []byte, n uint32) (field, rest []byte, ok bool) {
	if uint64(n) >= uint64(len(b)) || b[n] != 0 {
		return nil, nil, false
	}
	return b[:n], b[n+1:], true
}
