package sharedtable_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

var lone = sharedtable.Layout{Name: "lone", Buckets: 1, Entries: 1, EntrySize: 8}

// TestALoneWriterReadsNoMore: from the third change on the bucket is known to be
// as this VM left it, unless anybody has written anything.
func TestALoneWriterReadsNoMore(t *testing.T) {
	store := memstore.New(nil)
	table, other := sharedtable.New(store, lone), sharedtable.New(store, lone)
	elsewhere := sharedtable.New(store, counters)
	for n, tt := range []struct {
		before     func()
		gets, sets int
	}{
		{nil, 1, 1}, // creates
		{nil, 1, 1},
		{nil, 1, 1}, // sees that nobody wrote
		{nil, 0, 1},
		{nil, 0, 1},
		{func() { increment(t, elsewhere, 0, 0) }, 0, 1}, // the bucket is as it was, but the next cas is another
		{nil, 1, 2},
		{nil, 1, 1},
		{nil, 0, 1},
		{func() { increment(t, other, 0, 0) }, 1, 2},
		{nil, 1, 1},
		{nil, 0, 1},
	} {
		if tt.before != nil {
			tt.before()
		}
		gets, sets := store.Calls()
		increment(t, table, 0, 0)
		if g, s := store.Calls(); g-gets != tt.gets || s-sets != tt.sets {
			t.Errorf("update %d made %d gets and %d sets, want %d and %d", n, g-gets, s-sets, tt.gets, tt.sets)
		}
	}
	if _, value := increment(t, other, 0, 0); value != 12+1+1 {
		t.Errorf("the count is %d, want 14", value)
	}
}

// guessing is a table whose next Update is a guess, at the count 3.
func guessing(t *testing.T, store *memstore.Store) *sharedtable.Table {
	t.Helper()
	table := sharedtable.New(store, lone)
	for range 3 {
		increment(t, table, 0, 0)
	}
	return table
}

func TestNothingIsDecidedOnAGuessAlone(t *testing.T) {
	store := memstore.New(nil)
	table := guessing(t, store)
	increment(t, sharedtable.New(store, lone), 0, 0)
	var saw []byte
	if err := table.Update(0, func(b sharedtable.Bucket) bool { saw = append(saw, b.Entry(0)[7]); return false }); err != nil {
		t.Fatal(err)
	}
	if len(saw) == 0 || saw[len(saw)-1] != 4 {
		t.Errorf("a change that writes nothing saw last, of %v, what others have replaced; want 4", saw)
	}
}

func TestAGuessIsForgottenWithAPanic(t *testing.T) {
	store := memstore.New(nil)
	table := guessing(t, store)
	func() {
		defer func() { _ = recover() }()
		_ = table.Update(0, func(b sharedtable.Bucket) bool { b.Entry(0)[7] = 99; panic("in the middle") })
	}()
	if _, value := increment(t, table, 0, 0); value != 4 {
		t.Errorf("after a panic in the middle of a change the count is %d, want 4", value)
	}
}

func TestAHostThatFailsAtAGuess(t *testing.T) {
	var broken error
	store := memstore.New(func(memstore.Operation, string) error { return broken })
	table := guessing(t, store)
	broken = errors.New("host is broken")
	err := table.Update(0, func(sharedtable.Bucket) bool { return true })
	if !errors.Is(err, broken) || err.Error() != "write shared bucket: host is broken" {
		t.Errorf("error %v", err)
	}
	broken = nil
	if _, value := increment(t, table, 0, 0); value != 4 {
		t.Errorf("the count is %d after a failure, want 4", value)
	}
}

// numbering is a store whose cas come from somewhere else.
type numbering struct {
	host.Store
	values map[string][]byte
	cas    map[string]uint32
	next   func(key string) uint32
}

func (n *numbering) Get(key string) ([]byte, uint32, error) {
	value, ok := n.values[key]
	if !ok {
		return nil, 0, sharedtable.ErrNotFound
	}
	return append([]byte{}, value...), n.cas[key], nil
}

func (n *numbering) Set(key string, value []byte, cas uint32) error {
	if have, ok := n.cas[key]; ok && cas != 0 && cas != have {
		return sharedtable.ErrCASMismatch
	}
	n.values[key], n.cas[key] = append([]byte{}, value...), n.next(key)
	return nil
}

// TestGuessesLoseNoUpdate: tables of several VMs over one store, which write in
// any order, and numbers that come from one counter, from one for each key, from
// nowhere, or are about to begin again.
func TestGuessesLoseNoUpdate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.SampledFrom([]uint32{0, 1<<32 - 6, 1<<32 - 3}).Draw(t, "start")
		store := &numbering{values: map[string][]byte{}, cas: map[string]uint32{}}
		one, each := start, map[string]uint32{}
		store.next = rapid.SampledFrom([]func(string) uint32{
			func(string) uint32 {
				if one++; one == 0 {
					one = 1
				}
				return one
			},
			func(key string) uint32 {
				if each[key]++; each[key] == 0 {
					each[key] = 1
				}
				return each[key]
			},
			func(string) uint32 { one++; return max(1, one*2654435761) },
		}).Draw(t, "numbers")
		var tables [3]*sharedtable.Table
		for i := range tables {
			tables[i] = sharedtable.New(store, lone)
		}
		want := 0
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, 5), 0, 60).Draw(t, "turns") {
			writes := i < 3
			err := tables[i%3].Update(0, func(b sharedtable.Bucket) bool {
				if writes {
					b.Entry(0)[7]++
				}
				return writes
			})
			if err != nil {
				t.Fatal(err)
			}
			if writes {
				want++
			}
		}
		err := sharedtable.New(store, lone).Update(0, func(b sharedtable.Bucket) bool {
			if got := int(b.Entry(0)[7]); got != want {
				t.Errorf("%d of %d updates are there", got, want)
			}
			return false
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
