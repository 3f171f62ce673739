package usage

import (
	"encoding/binary"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

// MaxSeries is the most that a roster can hold.
const MaxSeries = pages * pageEntries

// A page is one key of the shared data, made when it is first written.
const (
	pages       = 64
	pageEntries = 256
	entrySize   = 8 // the hash of a name, big-endian; 0 is free
)

// roster is the list of the series that were made from a catalog, by the hash
// of their names. It is kept in the host's shared data, filled from the front:
// so there is one bound for all VMs, and it survives new configurations, new
// code and crashed VMs, as long as the host keeps the metrics themselves. A
// host that loses its shared data (Envoy: when the last listener with this
// vm_id has gone) begins a new list, and counts from zero.
//
// Once it is full it is not read again: what it holds is known by then.
type roster struct {
	table *sharedtable.Table
	most  int
	page  int                 // the first that had room when it was read
	known map[uint64]struct{} // what was read or entered

	failed bool // the host did, since somebody last looked
}

func newRoster(store host.Store, most int) roster {
	layout := sharedtable.Layout{Name: "usage", Buckets: pages, Entries: pageEntries, EntrySize: entrySize}
	return roster{table: sharedtable.New(store, layout), most: most, known: map[uint64]struct{}{}}
}

// admits reports whether the series may be made; it enters those that are new
// as long as there is room. When the host fails, there is none.
func (r *roster) admits(name []byte) bool {
	h := hash(name)
	if _, ok := r.known[h]; ok {
		return true
	}
	for r.page*pageEntries < r.most {
		entered, full := r.enter(h)
		if entered {
			return true
		}
		if !full {
			return false
		}
		r.page++
	}
	return false
}

// enter looks for h on the current page and writes it into the first free
// place; full reports that the page has neither. A damaged page counts as full:
// what was on it is no longer known.
func (r *roster) enter(h uint64) (entered, full bool) {
	room := min(pageEntries, r.most-r.page*pageEntries)
	err := r.table.Update(uint32(r.page), func(b sharedtable.Bucket) (write bool) {
		entered, full = false, true
		if b.Condition == sharedtable.Damaged {
			return false
		}
		for i := range pageEntries {
			switch have := binary.BigEndian.Uint64(b.Entry(i)); {
			case have == h:
				entered = true
				return false
			case have != 0:
				r.known[have] = struct{}{}
			case i < room:
				binary.BigEndian.PutUint64(b.Entry(i), h)
				entered = true
				return true
			default:
				return false
			}
		}
		return false
	})
	if err != nil {
		r.failed = true
		return false, false
	}
	if entered {
		r.known[h] = struct{}{}
	}
	return entered, full
}

// hash is FNV-1a with 64 bits, never 0. The names are the operator's own: two
// that collide share a place, and both are made.
func hash(name []byte) uint64 {
	sum := uint64(14695981039346656037)
	for i := range len(name) {
		sum = (sum ^ uint64(name[i])) * 1099511628211
	}
	return max(sum, 1)
}
