package dpop

import (
	"encoding/binary"
	"strconv"

	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

// A bucket is a floor and so many proofs, each with its iat.
const (
	perBucket = 31
	entrySize = len(proofID{}) + 8
)

// MaxEntries bounds the proofs that are remembered: 1.6 MB of the proxy's memory.
const MaxEntries = 1 << 16

// spent are the proofs that were used, in the memory that all VMs share. It has
// a fixed size, and never takes a proof twice: a bucket that is full gives up
// the proof with the lowest iat, and from then on takes none that is not younger.
// So a flood makes it refuse good proofs that took long to come, and accept no
// bad one; nor does a clock that goes back.
type spent struct{ table *sharedtable.Table }

func newSpent(store sharedtable.Store, entries int) spent {
	buckets := max(1, (min(entries, MaxEntries)+perBucket-1)/perBucket)
	return spent{sharedtable.New(store, sharedtable.Layout{
		Name: "dpop/" + strconv.Itoa(buckets), Buckets: uint32(buckets), Entries: 1 + perBucket, EntrySize: entrySize,
	})}
}

// add notes a proof and reports whether it is the first of its id. Times are unix
// seconds; latest is the highest iat that is taken now. A bucket that something
// else wrote into says nothing of the past, so all that may have been in it is
// refused.
func (s spent) add(id proofID, issued, latest int64) (first bool, err error) {
	err = s.table.Update(binary.BigEndian.Uint32(id[:4]), func(b sharedtable.Bucket) (write bool) {
		first = false
		floor := b.Entry(0)
		if b.Condition == sharedtable.Damaged {
			setTime(floor, latest)
			return true
		}
		if issued <= timeOf(floor) {
			return false
		}
		oldest := b.Entry(1)
		for i := 1; i < b.Len(); i++ {
			e := b.Entry(i)
			if proofID(e) == id {
				return false
			}
			if timeOf(e) < timeOf(oldest) {
				oldest = e
			}
		}
		setTime(floor, max(timeOf(floor), timeOf(oldest)))
		copy(oldest, id[:])
		setTime(oldest, issued)
		first = true
		return true
	})
	return first && err == nil, err
}

func timeOf(e []byte) int64 { return int64(binary.BigEndian.Uint64(e[len(proofID{}):])) }

func setTime(e []byte, t int64) { binary.BigEndian.PutUint64(e[len(proofID{}):], uint64(t)) }
