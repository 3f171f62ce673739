package sharedtable

import "encoding/binary"

// Condition is the state in which a bucket was found. The zero value is Damaged.
type Condition uint8

const (
	// Damaged: the value in the host is not one that this table wrote. The
	// bucket reads as zeros, which say nothing about the past.
	Damaged Condition = iota
	// Fresh: the bucket was never written. It reads as zeros.
	Fresh
	// Sound: the bucket is as it was last written.
	Sound
)

// Bucket is one bucket of a table, for the duration of one Update.
type Bucket struct {
	Condition Condition

	entries   []byte
	entrySize int
	mark      Mark
}

// Mark stands for a bucket as it was read. The zero value stands for none.
type Mark struct {
	_   [0]func() // not comparable: an unused == costs the guest code
	key string
	cas uint32
}

// Mark gives the bucket's mark, for Table.Unchanged.
func (b *Bucket) Mark() Mark { return b.mark }

// Len is the number of entries, which the layout fixes.
//
//go:noinline
func (b *Bucket) Len() int { return len(b.entries) / b.entrySize }

// Entry is the i-th entry, to read and to write in place. Inlined, with its
// three checks, it would be in the module forty times.
//
//go:noinline
func (b *Bucket) Entry(i int) []byte {
	start := i * b.entrySize
	return b.entries[start : start+b.entrySize : start+b.entrySize]
}

// A value is the magic, the FNV-1a sum of key and entries, and the entries.
const (
	magic      = "SPT1"
	headerSize = len(magic) + 4
)

// open checks a value, given the sum of its key, and gives its entries, which alias
// it.
func open(keySum uint32, value []byte, size int) (entries []byte, ok bool) {
	if len(value) != headerSize+size || string(value[:len(magic)]) != magic {
		return nil, false
	}
	entries = value[headerSize:]
	return entries, binary.BigEndian.Uint32(value[len(magic):]) == fnv(keySum, entries)
}

// seal puts magic and checksum before the entries of value. The sum covers the
// key, so that a value copied from another key is damaged. It guards only
// against accidents: whoever can write shared data can compute it.
func seal(keySum uint32, value []byte) {
	copy(value, magic)
	binary.BigEndian.PutUint32(value[len(magic):], fnv(keySum, value[headerSize:]))
}

// FNV-1a with 32 bits. hash/crc32 would make the module 39 KiB larger.
const (
	offset32 = 2166136261
	prime32  = 16777619
)

func fnv[T string | []byte](sum uint32, data T) uint32 {
	for i := range len(data) {
		sum = (sum ^ uint32(data[i])) * prime32
	}
	return sum
}
