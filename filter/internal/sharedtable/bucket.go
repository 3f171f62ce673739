package sharedtable

import (
	"encoding/binary"
	"hash/crc32"
)

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

// Bucket is one bucket of a table, for the time of one Update.
type Bucket struct {
	Condition Condition

	entries   []byte
	entrySize int
}

// Len is the number of entries, which the layout fixes.
func (b Bucket) Len() int { return len(b.entries) / b.entrySize }

// Entry is the i-th entry, to read and to write in place.
func (b Bucket) Entry(i int) []byte {
	start := i * b.entrySize
	return b.entries[start : start+b.entrySize : start+b.entrySize]
}

// A value is the magic, the CRC-32 of key and entries, and the entries.
const (
	magic      = "SPT1"
	headerSize = len(magic) + 4
)

// open checks a value and gives its entries, which alias it.
func open(key string, value []byte, size int) (entries []byte, ok bool) {
	if len(value) != headerSize+size || string(value[:len(magic)]) != magic {
		return nil, false
	}
	entries = value[headerSize:]
	return entries, binary.BigEndian.Uint32(value[len(magic):]) == checksum(key, entries)
}

// seal puts magic and checksum before the entries of value.
func seal(key string, value []byte) {
	copy(value, magic)
	binary.BigEndian.PutUint32(value[len(magic):], checksum(key, value[headerSize:]))
}

// checksum covers the key, so that a value copied from another key is damaged.
// It is there against accidents: who can write shared data can compute it.
func checksum(key string, entries []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE([]byte(key)), crc32.IEEETable, entries)
}
