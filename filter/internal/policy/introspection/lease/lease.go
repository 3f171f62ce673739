// Package lease lets the workers of a proxy agree on who asks about a token. Whoever asks holds a lease in the host's
// shared data; the others leave the number of the queue that wakes them beside it, and wait. A holder renews its lease
// while its call is in flight, so that the lease of a VM that died is soon free again, and another worker asks.
//
// The table is of fixed size. Where it has no room, or the host fails, each worker asks for itself: that costs calls,
// and never an answer.
package lease

import (
	"encoding/binary"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

// MaxWaiters is how many workers can be woken by name. Any more find out by themselves, at their next tick.
const MaxWaiters = 32

const (
	buckets    = 256
	perBucket  = 4
	stateAt    = len(sharedtable.Key{})
	countAt    = stateAt + 1
	reasonAt   = countAt + 1
	retryAt    = reasonAt + 2
	ownerAt    = retryAt + 4
	timeAt     = ownerAt + 8
	waitersAt  = timeAt + 8
	entrySize  = waitersAt + 4*MaxWaiters
	maxRetryAt = 1<<32 - 1
)

// State is the state of a flight. The zero value is Free.
type State uint8

const (
	// Free: nobody asks, or whoever did has not been heard from for too long.
	Free State = iota
	// Held: somebody asks.
	Held
	// Landed: the server has said that the token is active. What else it said is
	// among the answers, if it may be kept.
	Landed
	// Inactive: the server has said that it is not.
	Inactive
	// Failed: the server has said neither.
	Failed
)

// Status is the status of a flight. Since is when it landed or failed, in unix nanoseconds; Denial is of a failed one.
type Status struct {
	_      [0]func() // not comparable: an unused == costs the guest code
	State  State
	Since  int64
	Denial denial.Denial
}

// Table is the flights of all workers.
type Table struct{ table *sharedtable.Table }

// New names the table over a store.
func New(store host.Store) *Table {
	return &Table{sharedtable.New(store, sharedtable.Layout{
		Name:    "introspection/flights/2", // 1 had other numbers for reasons
		Buckets: buckets, Entries: perBucket, EntrySize: entrySize,
	})}
}

// Grant is the result of Acquire. The zero value grants nothing and awaits nothing.
type Grant uint8

const (
	// Alone: there is no room for the flight, or the host failed. Ask, and tell nobody.
	Alone Grant = iota
	// Granted: ask, and Land.
	Granted
	// Joined: somebody else asks; wait, for a message or until Status says something else.
	Joined
	// Answered: a flight has brought an answer since news. Look at Status, and at
	// the answers again.
	Answered
)

// Acquire takes the lease until then, or joins whoever has it: queue is where that worker wakes this one. A flight that
// landed at news or later may have brought the answer after the caller looked for it.
func (t *Table) Acquire(k sharedtable.Key, owner uint64, queue uint32, now, until, news int64) (g Grant) {
	err := t.table.Update(k.Hash(), func(b sharedtable.Bucket) bool {
		g = Alone
		i, found := place(b, k, now)
		if i < 0 {
			return false
		}
		e := b.Entry(i)
		if found {
			switch s := status(e, now); {
			case s.State == Held && holder(e) != owner:
				g = Joined
				return join(e, queue)
			case (s.State == Landed || s.State == Inactive) && s.Since >= news:
				g = Answered
				return false
			}
		}
		g = Granted
		clear(e)
		copy(e, k[:])
		write(e, Held, owner, until)
		return true
	})
	if err != nil {
		return Alone
	}
	return g
}

// Renew extends a lease. False means that it was lost: the call may go on, but somebody else asks too.
func (t *Table) Renew(k sharedtable.Key, owner uint64, now, until int64) (held bool) {
	err := t.table.Update(k.Hash(), func(b sharedtable.Bucket) bool {
		e, ok := owned(b, k, owner)
		held = ok
		if ok {
			write(e, Held, owner, until)
		}
		return ok
	})
	return held && err == nil
}

// Owned reports whether the owner has the lease of a flight that has not landed, over or not. It costs one hostcall.
func (t *Table) Owned(k sharedtable.Key, owner uint64) (ok bool) {
	err := t.table.Update(k.Hash(), func(b sharedtable.Bucket) bool {
		_, ok = owned(b, k, owner)
		return false
	})
	return ok && err == nil
}

// Land ends a flight as Landed, Inactive or Failed; the denial is of a failed one. It gives the queues of those to wake,
// none when the lease was lost.
func (t *Table) Land(k sharedtable.Key, owner uint64, now int64, end State, d denial.Denial) (wake []uint32) {
	err := t.table.Update(k.Hash(), func(b sharedtable.Bucket) bool {
		wake = nil
		e, ok := owned(b, k, owner)
		if !ok {
			return false
		}
		for i := range int(min(e[countAt], MaxWaiters)) {
			wake = append(wake, binary.BigEndian.Uint32(e[waitersAt+4*i:]))
		}
		e[countAt] = 0
		write(e, end, owner, now)
		binary.BigEndian.PutUint16(e[reasonAt:], uint16(d.Reason))
		binary.BigEndian.PutUint32(e[retryAt:], uint32(min(max(d.RetryAfterSeconds, 0), maxRetryAt)))
		return true
	})
	if err != nil {
		return nil // they find out at their ticks, when the lease is over
	}
	return wake
}

// Status looks at a flight, and while it is held makes sure that its holder, who may have changed, will wake the queue.
// It costs one hostcall, and a second one for a new holder. A host that fails knows of no flight.
func (t *Table) Status(k sharedtable.Key, queue uint32, now int64) (s Status) {
	err := t.table.Update(k.Hash(), func(b sharedtable.Bucket) bool {
		s = Status{}
		i, found := place(b, k, now)
		if !found {
			return false
		}
		s = status(b.Entry(i), now)
		return s.State == Held && join(b.Entry(i), queue)
	})
	if err != nil {
		return Status{}
	}
	return s
}

// place finds the flight, or else room for it; -1 when all the others are held.
func place(b sharedtable.Bucket, k sharedtable.Key, now int64) (i int, found bool) {
	room := -1
	for i := range b.Len() {
		e := b.Entry(i)
		if sharedtable.Key(e) == k {
			return i, true
		}
		if status(e, now).State != Held && (room < 0 || since(e) < since(b.Entry(room))) {
			room = i
		}
	}
	return room, false
}

// owned finds a flight whose lease this owner took, over or not.
func owned(b sharedtable.Bucket, k sharedtable.Key, owner uint64) ([]byte, bool) {
	for i := range b.Len() {
		if e := b.Entry(i); sharedtable.Key(e) == k {
			return e, State(e[stateAt]) == Held && holder(e) == owner
		}
	}
	return nil, false
}

// maxLease is the longest that any lease is taken for. One that ends later was written under another clock.
const maxLease = 60e9

func status(e []byte, now int64) Status {
	s := Status{State: State(e[stateAt]), Since: since(e)}
	switch s.State {
	case Held:
		if now >= s.Since || s.Since-now > maxLease {
			return Status{}
		}
	case Landed, Inactive:
	case Failed:
		s.Denial = denial.Denial{
			Reason:            denial.Reason(binary.BigEndian.Uint16(e[reasonAt:])),
			RetryAfterSeconds: int(binary.BigEndian.Uint32(e[retryAt:])),
		}
	default:
		return Status{}
	}
	return s
}

func holder(e []byte) uint64 { return binary.BigEndian.Uint64(e[ownerAt:]) }

// since is when a lease ends or a flight ended.
func since(e []byte) int64 { return int64(binary.BigEndian.Uint64(e[timeAt:])) }

func write(e []byte, s State, owner uint64, at int64) {
	e[stateAt] = byte(s)
	binary.BigEndian.PutUint64(e[ownerAt:], owner)
	binary.BigEndian.PutUint64(e[timeAt:], uint64(at))
}

// join notes a queue once, 0 being none, and reports whether there is something to write.
func join(e []byte, queue uint32) bool {
	n := int(min(e[countAt], MaxWaiters))
	for i := range n {
		if binary.BigEndian.Uint32(e[waitersAt+4*i:]) == queue {
			return false
		}
	}
	if n == MaxWaiters || queue == 0 {
		return false
	}
	binary.BigEndian.PutUint32(e[waitersAt+4*n:], queue)
	e[countAt] = byte(n + 1)
	return true
}
