package dpop

import (
	"encoding/binary"
	"math"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

// A bucket is a floor and so many proofs, each with its iat. Their number
// depends on the configuration; that of the buckets does not, so that a proof
// is always looked for in the same place.
const (
	buckets      = 512
	minPerBucket = 16
	entrySize    = len(proofID{}) + 8
)

// MaxEntries bounds the proofs that are remembered: 1.6 MB of the proxy's memory.
const MaxEntries = 1 << 16

// spent are the proofs that were used, in the memory that all VMs share. It has
// a fixed size, and never takes a proof twice: a bucket that is full gives up
// the proof with the lowest iat, and from then on takes only younger ones. So a
// flood makes it refuse good proofs that were slow to arrive, and never accept
// a bad one; nor does a clock that goes back.
//
// Nor does a different size. Checkers of different sizes, as there are while an
// old configuration drains beside a new one, use the same table, and each makes
// a bucket that it writes as large as its own: one that grows forgets nothing,
// one that shrinks gives up the oldest as a full one does.
type spent struct {
	table *sharedtable.Table
	most  int // proofs in a bucket
}

func newSpent(store host.Store, entries int) spent {
	most := max(minPerBucket, (min(entries, MaxEntries)+buckets-1)/buckets)
	return spent{sharedtable.New(store, sharedtable.Layout{
		Name: "dpop", Buckets: buckets, Entries: 1 + most, EntrySize: entrySize, Resizes: true,
	}), most}
}

// add notes a proof and reports whether it is the first of its id. Times are
// unix seconds; latest is the highest iat that is taken now. A bucket that
// something else wrote into says nothing about the past, so everything that may
// have been in it is refused.
func (s spent) add(id proofID, issued, latest int64) (first bool, err error) {
	err = s.table.Update(binary.BigEndian.Uint32(id[:4]), func(b sharedtable.Bucket) (write bool) {
		first = false
		if b.Condition == sharedtable.Damaged {
			setTime(b, 0, latest)
			return true
		}
		for i := 1; i < b.Len(); i++ {
			if proofID(b.Entry(i)) == id {
				return false
			}
		}
		for i := 1 + s.most; i < b.Len(); i++ { // of a larger size
			s.keep(b, proofID(b.Entry(i)), timeOf(b, i))
		}
		first = s.keep(b, id, issued)
		return first
	})
	return first && err == nil, err
}

// keep makes sure that the proof is not taken again: it is among the first of
// the bucket, in the place of the oldest, or else is no younger than the floor.
// It reports false when the proof was that already.
func (s spent) keep(b sharedtable.Bucket, id proofID, issued int64) bool {
	floor, oldest := timeOf(b, 0), int64(math.MaxInt64)
	if issued <= floor {
		return false
	}
	at := 0
	for i := 1; i <= s.most; i++ {
		if t := timeOf(b, i); t < oldest {
			at, oldest = i, t
		}
	}
	if issued > oldest {
		copy(b.Entry(at), id[:])
		setTime(b, at, issued)
		issued = max(floor, oldest) // what is given up
	}
	setTime(b, 0, issued)
	return true
}

// timeOf is an entry's iat; that of entry 0 is the floor.
//
//go:noinline
func timeOf(b sharedtable.Bucket, i int) int64 {
	return int64(binary.BigEndian.Uint64(b.Entry(i)[len(proofID{}):]))
}

//go:noinline
func setTime(b sharedtable.Bucket, i int, t int64) {
	binary.BigEndian.PutUint64(b.Entry(i)[len(proofID{}):], uint64(t))
}
