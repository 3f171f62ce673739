package spikearrest

import (
	"encoding/binary"
	"unsafe"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sha256"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
	"github.com/sallyport-gateway/sallyport/filter/internal/siphash"
)

// The table of a limiter that counts by something. An entry is in use while its
// TAT lies ahead, so these bound the callers that are active at once, not those
// that ever came. See the package's comment for what a flood of them does.
const (
	Buckets          = 4096
	EntriesPerBucket = 16
)

// An entry is the caller's hash and its TAT; all zeros is vacant, for the TAT of
// a caller is never 0. The only entry of a limiter of all messages is its TAT, so
// that it takes 16 bytes with what makes a bucket of it.
const (
	tatSize   = 8
	entrySize = tatSize + tatSize
)

// caller is where a caller's entry is looked for, and what it is known by.
type caller struct {
	bucket uint32
	hash   uint64
}

// callers finds the caller of a message, for a limiter in one VM.
type callers struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	per      Per
	identity [sha256.Size]byte
	store    host.Store

	secret siphash.Key // from the shared seed and the identity, with the first message that needs it
	seeded bool
}

// usualCallerBytes is room for a value such as an address.
const usualCallerBytes = 128

// of hashes what the message is counted by, under a key from the seed: nobody
// outside can tell which callers share a bucket, nor read a value back from a hash.
func (s *callers) of(x *pipeline.Exchange) (caller, error) {
	if s.per.Kind == All {
		return caller{}, nil
	}
	if !s.seeded {
		seed, err := sharedtable.Seed(s.store)
		if err != nil {
			return caller{}, err
		}
		shared := siphash.Key{binary.BigEndian.Uint64(seed[:]), binary.BigEndian.Uint64(seed[8:])}
		s.secret, s.seeded = siphash.Key(shared.Sum(string(s.identity[:]))), true
	}
	b := s.per.appendCaller(make([]byte, 0, usualCallerBytes), x)
	sum := s.secret.Sum(unsafe.String(unsafe.SliceData(b), len(b)))
	return caller{bucket: uint32(sum[1]), hash: sum[0]}, nil
}

// spend decides on a message of the caller, in the light of its bucket as it
// was just read, and changes the bucket accordingly; write says whether it did.
func (s *step) spend(b sharedtable.Bucket, hash uint64, now int64) (d Decision, write bool) {
	if b.Condition == sharedtable.Damaged {
		furthest := uint64(s.limit.furthest(now, s.weight))
		write = confine(b, furthest, furthest)
	}
	entry, latest := find(b, hash)
	if latest > uint64(s.limit.furthest(now, s.weight)) {
		// Another worker may have read the clock after now was read, and written
		// before the bucket was read. A reading from after that tells this from a
		// clock that was set back.
		if fresh := s.clock(); s.limit.usable(fresh) {
			now = fresh
		}
		write = confine(b, 0, uint64(s.limit.furthest(now, s.weight))) || write
	}
	tat := tatOf(entry)
	d = s.limit.allow(tat, now, s.weight)
	if d.newTAT != tat {
		putEntry(entry, hash, d.newTAT)
		write = true
	}
	return d, write
}

// find gives the caller's own entry, else a vacant one, else the one with the
// smallest TAT. Reading vacant as a TAT of 0 makes the last two the same.
// latest is the highest TAT on the way there. TATs are compared unsigned, as a
// negative one counts as far ahead.
func find(b sharedtable.Bucket, hash uint64) (entry []byte, latest uint64) {
	var smallest uint64
	for i := range b.Len() {
		e := b.Entry(i)
		tat := uint64(tatOf(e))
		if tat != 0 && binary.BigEndian.Uint64(e) == hash {
			return e, tat
		}
		latest = max(latest, tat)
		if entry == nil || tat < smallest {
			entry, smallest = e, tat
		}
	}
	return entry, latest
}

// confine brings all TATs between the two, and reports whether any was not.
func confine(b sharedtable.Bucket, lowest, highest uint64) (changed bool) {
	for i := range b.Len() {
		e := b.Entry(i)
		tat := uint64(tatOf(e))
		if confined := min(max(tat, lowest), highest); confined != tat {
			putTAT(e, int64(confined))
			changed = true
		}
	}
	return changed
}

func tatOf(entry []byte) int64 { return int64(binary.BigEndian.Uint64(entry[len(entry)-tatSize:])) }

func putTAT(entry []byte, tat int64) {
	binary.BigEndian.PutUint64(entry[len(entry)-tatSize:], uint64(tat))
}

func putEntry(entry []byte, hash uint64, tat int64) {
	binary.BigEndian.PutUint64(entry, hash)
	putTAT(entry, tat)
}
