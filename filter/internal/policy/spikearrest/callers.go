package spikearrest

import (
	"encoding/binary"

	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

// The table of a limiter that counts by something. An entry is in use while its
// TAT lies ahead, so these bound the callers that are active at once, not those
// that ever came.
const (
	Buckets          = 1024
	EntriesPerBucket = 16
)

// An entry is the caller's hash and its TAT; all zeros is vacant, for the TAT of
// a caller is never 0.
const entrySize = 16

// caller is where a caller's entry is looked for, and what it is known by.
type caller struct {
	bucket uint32
	hash   uint64
}

// spend decides on a message of the caller and changes the bucket accordingly;
// write says whether it did.
func (c caller) spend(b sharedtable.Bucket, l limit, now, weight int64) (d Decision, write bool) {
	if b.Condition == sharedtable.Damaged {
		for i := range b.Len() {
			putEntry(b.Entry(i), 0, l.furthest(now, weight))
		}
		write = true
	}
	entry := c.find(b)
	_, tat := getEntry(entry)
	d = l.allow(tat, now, weight)
	if d.newTAT != tat {
		putEntry(entry, c.hash, d.newTAT)
		write = true
	}
	return d, write
}

// find gives the caller's own entry, else a vacant one, else the one with the
// smallest TAT. To read vacant as a TAT of 0 makes the last two the same.
func (c caller) find(b sharedtable.Bucket) []byte {
	var smallest []byte
	var smallestTAT uint64
	for i := range b.Len() {
		entry := b.Entry(i)
		hash, tat := getEntry(entry)
		if hash == c.hash && tat != 0 {
			return entry
		}
		if smallest == nil || uint64(tat) < smallestTAT { // unsigned, as a negative one will be read as far ahead
			smallest, smallestTAT = entry, uint64(tat)
		}
	}
	return smallest
}

func getEntry(entry []byte) (hash uint64, tat int64) {
	return binary.BigEndian.Uint64(entry), int64(binary.BigEndian.Uint64(entry[8:]))
}

func putEntry(entry []byte, hash uint64, tat int64) {
	binary.BigEndian.PutUint64(entry, hash)
	binary.BigEndian.PutUint64(entry[8:], uint64(tat))
}
