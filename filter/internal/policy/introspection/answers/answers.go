// Package answers keeps what the authorization server said, for all workers of a proxy: the cache behind the one that
// each VM has of its own. It is in the host's shared data, takes a fixed amount of it, and holds no token: a key is a
// hash.
//
// Tokens that were said to be inactive have a table of their own, so that garbage, of which anybody can send as much as
// they like, never pushes out a good answer.
package answers

import (
	"encoding/binary"
	"strconv"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

// An entry is the key, three times and, for active tokens, the claims with their length before them.
const (
	keySize      = len(sharedtable.Key{})
	timesSize    = 3 * 8
	headSize     = keySize + timesSize
	activeSize   = 512
	inactiveSize = headSize
	// maxClaims bounds the claims of a shared entry. Longer ones are kept by each VM for itself, as long as the entry,
	// without them, is there.
	maxClaims = activeSize - headSize - 2

	activePerBucket   = 4
	inactivePerBucket = 16
)

// MaxEntries bounds the active ones: 256 MiB of the proxy's memory once enough tokens were seen to fill all buckets.
// Tokens fill them unevenly: with half as many tokens as there are entries, 1 of 60 finds its bucket full, with a
// quarter 1 of 600.
const MaxEntries = 1 << 19

// maxInactive bounds the others, of which anybody can send as many as they like: 1 MiB.
const maxInactive = 1 << 14

// Record is what is known about an active token: claims, and until when they are good, and until when they are of any
// use, for an outage. Times are unix nanoseconds. All of them are as whoever stored the answer saw them: a reader has
// limits of its own, which it applies to the claims and to Stored.
type Record struct {
	Claims              *pipeline.Claims
	Stored, Until, Gone int64

	mark sharedtable.Mark // of what Active found
}

// Table is both tables.
type Table struct{ active, inactive *sharedtable.Table }

// New names the tables over a store. Each holds at least so many entries. Tables of different size are different
// tables.
func New(store host.Store, entries int) *Table {
	return &Table{
		active:   newTable(store, "introspection/active/", min(entries, MaxEntries), activePerBucket, activeSize),
		inactive: newTable(store, "introspection/inactive/", min(entries, maxInactive), inactivePerBucket, inactiveSize),
	}
}

func newTable(store host.Store, name string, entries, perBucket, size int) *sharedtable.Table {
	buckets := max(1, (entries+perBucket-1)/perBucket)
	return sharedtable.New(store, sharedtable.Layout{
		Name: name + strconv.Itoa(buckets), Buckets: uint32(buckets), Entries: perBucket, EntrySize: size,
	})
}

// Active gives what is known about an active token, even if that is no longer good but still of some use. It costs one
// hostcall. A host that fails knows nothing.
func (t *Table) Active(k sharedtable.Key, now int64) (a Record, ok bool) {
	err := t.active.Update(k.Hash(), func(b sharedtable.Bucket) bool {
		a, ok = Record{}, false
		if i, found := find(b, k); found {
			e := b.Entry(i)
			a.Stored, a.Until, a.Gone = times(e)
			a.mark = b.Mark()
			if now >= a.Stored && now < a.Gone {
				a.Claims, ok = decodeClaims(e[headSize:])
			}
		}
		return false
	})
	return a, ok && err == nil
}

// Unchanged reports whether Active would find again what it found: nobody has written to its bucket, not even for
// another token. It costs one hostcall, and none for an answer that Active did not give. A change would be missed only
// if the host had counted exactly 2^32 writes since then.
func (t *Table) Unchanged(a *Record) bool { return t.active.Unchanged(a.mark) }

// Holds reports whether the token is known to be active, even if its claims are too long to be shared. It costs one
// hostcall.
func (t *Table) Holds(k sharedtable.Key, now int64) (holds bool) {
	err := t.active.Update(k.Hash(), func(b sharedtable.Bucket) bool {
		holds = false
		if i, found := find(b, k); found {
			stored, _, gone := times(b.Entry(i))
			holds = now >= stored && now < gone
		}
		return false
	})
	return holds && err == nil
}

// Inactive reports whether the server said that the token is not active, less than life ago, in nanoseconds, and not
// longer ago than whoever stored it wanted to know. It costs one hostcall.
func (t *Table) Inactive(k sharedtable.Key, now, life int64) (found Refused, inactive bool) {
	err := t.inactive.Update(k.Hash(), func(b sharedtable.Bucket) bool {
		found, inactive = Refused{}, false
		if i, ok := find(b, k); ok {
			stored, until, _ := times(b.Entry(i))
			inactive = now >= stored && now < until && now-stored < life
			found = Refused{from: stored, until: until, mark: b.Mark()}
			if life < until-stored {
				found.until = stored + life
			}
		}
		return false
	})
	return found, inactive && err == nil
}

// Refused is what Inactive found. The zero value is nothing.
type Refused struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	from, until int64 // unix nanoseconds
	mark        sharedtable.Mark
}

// Still reports what Inactive would for the same token and life, without its key. It costs one hostcall while it is true,
// and no more.
func (t *Table) Still(r *Refused, now int64) bool {
	return now >= r.from && now < r.until && t.inactive.Unchanged(r.mark)
}

// PutActive keeps an answer, and takes the place of what is gone, or else of what was stored longest ago. It reports
// whether others can read the claims: they may be too long, and a host may fail.
func (t *Table) PutActive(k sharedtable.Key, a Record) bool {
	claims, ok := appendClaims(nil, a.Claims)
	if a.Gone <= a.Stored {
		return false
	}
	return t.active.Update(k.Hash(), func(b sharedtable.Bucket) bool {
		e := b.Entry(place(b, k, a.Stored))
		fill(e, k, a.Stored, a.Until, a.Gone)
		n := copy(e[headSize:], claims)
		clear(e[headSize+n:]) // without claims their length is 0, which no claims have
		return true
	}) == nil && ok
}

// PutInactive keeps that a token is not active, from now until then.
func (t *Table) PutInactive(k sharedtable.Key, now, until int64) {
	if until <= now {
		return
	}
	// Failing to keep it costs a call.
	_ = t.inactive.Update(k.Hash(), func(b sharedtable.Bucket) bool {
		fill(b.Entry(place(b, k, now)), k, now, until, until)
		return true
	})
}

// Evict forgets an active token. The error says that the host failed and others may still know it.
func (t *Table) Evict(k sharedtable.Key) error { return evict(t.active, k) }

// EvictInactive forgets an inactive one.
func (t *Table) EvictInactive(k sharedtable.Key) error { return evict(t.inactive, k) }

func evict(t *sharedtable.Table, k sharedtable.Key) error {
	return t.Update(k.Hash(), func(b sharedtable.Bucket) bool {
		i, found := find(b, k)
		if found {
			clear(b.Entry(i))
		}
		return found
	})
}

// find compares whole keys. An empty entry has the key zero, a hash for which nobody could find a token.
//
//go:noinline
func find(b sharedtable.Bucket, k sharedtable.Key) (int, bool) {
	for i := range b.Len() {
		if sharedtable.Key(b.Entry(i)) == k {
			return i, true
		}
	}
	return 0, false
}

// place gives the key's own entry, one that is gone, or the one that was stored first.
func place(b sharedtable.Bucket, k sharedtable.Key, now int64) int {
	if i, found := find(b, k); found {
		return i
	}
	oldest, first := 0, int64(0)
	for i := range b.Len() {
		stored, _, gone := times(b.Entry(i))
		if now >= gone || now < stored {
			return i
		}
		if i == 0 || stored < first {
			oldest, first = i, stored
		}
	}
	return oldest
}

func times(e []byte) (stored, until, gone int64) {
	return int64(binary.BigEndian.Uint64(e[keySize:])), int64(binary.BigEndian.Uint64(e[keySize+8:])), int64(binary.BigEndian.Uint64(e[keySize+16:]))
}

func fill(e []byte, k sharedtable.Key, stored, until, gone int64) {
	copy(e, k[:])
	binary.BigEndian.PutUint64(e[keySize:], uint64(stored))
	binary.BigEndian.PutUint64(e[keySize+8:], uint64(until))
	binary.BigEndian.PutUint64(e[keySize+16:], uint64(gone))
}
