package concurrency

import (
	"encoding/binary"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

const (
	// Lease is how long a worker's places are believed to be taken without a
	// word from it.
	Lease = 10 * time.Second
	// renewEvery is how often a worker that has places says so.
	renewEvery = Lease / 4
	// settleTime is how long nobody is let in after the list was overwritten.
	settleTime = renewEvery + time.Second
	// leaseSlack is how much the clock readings of two workers may differ.
	leaseSlack = time.Second

	fewHolders  = 8
	manyHolders = 256
)

// An entry is the holder's random number, never 0, how many places it has, and
// until when, in unix nanoseconds. All zeros is vacant.
const (
	idAt      = 0
	countAt   = idAt + 8
	untilAt   = countAt + 4
	entrySize = untilAt + 8
)

// unknownHolder stands for all that was lost when the list was overwritten.
const unknownHolder = 1

// holders are the list of one bucket, as it was just read.
type holders struct {
	bucket sharedtable.Bucket
	count  int   // entries that are in use, all at the front
	others int64 // places that others have
	own    []byte
}

// arrange moves the entries that count to the front, and gives what they say.
// Those whose lease is over are cleared.
func arrange(b sharedtable.Bucket, id uint64, now int64) (h holders) {
	h.bucket = b
	for i := range b.Len() {
		e := b.Entry(i)
		holder := binary.LittleEndian.Uint64(e)
		if holder == 0 || holder != id && until(e) <= now {
			clear(e)
			continue
		}
		to := b.Entry(h.count)
		h.count++
		if copy(to, e); &to[0] != &e[0] {
			clear(e)
		}
		if holder == id {
			h.own = to
		} else {
			h.others += int64(binary.LittleEndian.Uint32(to[countAt:]))
		}
	}
	return h
}

// shorten cuts leases that end later than any that was given by now can: the
// clock was set back. It reports whether there was one.
func (h *holders) shorten(now int64) (changed bool) {
	for i := range h.count {
		e := h.bucket.Entry(i)
		if until(e) > now+int64(Lease+leaseSlack) {
			binary.LittleEndian.PutUint64(e[untilAt:], uint64(now+int64(Lease)))
			changed = true
		}
	}
	return changed
}

// put sets the entry of a holder, to vacant when it has no places. The caller
// has made sure that there is room.
func (h *holders) put(entry []byte, id uint64, count int, until int64) {
	if entry == nil {
		if count == 0 {
			return
		}
		entry = h.bucket.Entry(h.count)
		h.count++
	}
	if count == 0 {
		clear(entry)
		return
	}
	binary.LittleEndian.PutUint64(entry[idAt:], id)
	binary.LittleEndian.PutUint32(entry[countAt:], uint32(min(count, MaxCalls)))
	binary.LittleEndian.PutUint64(entry[untilAt:], uint64(until))
}

func until(entry []byte) int64 { return int64(binary.LittleEndian.Uint64(entry[untilAt:])) }
