package sharedtable_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

var counters = sharedtable.Layout{Name: "counters", Buckets: 4, Entries: 2, EntrySize: 8}

// increment adds one to entry i of the bucket and says what it found.
func increment(t *testing.T, table *sharedtable.Table, hash uint32, i int) (was sharedtable.Condition, value uint64) {
	t.Helper()
	err := table.Update(hash, func(b sharedtable.Bucket) bool {
		was = b.Condition
		value = binary.BigEndian.Uint64(b.Entry(i)) + 1
		binary.BigEndian.PutUint64(b.Entry(i), value)
		return true
	})
	if err != nil {
		t.Fatalf("update: %v", err)
	}
	return was, value
}

func TestUpdateKeepsWhatWasWritten(t *testing.T) {
	table := sharedtable.New(memstore.New(nil), counters)
	for n, want := range []sharedtable.Condition{sharedtable.Fresh, sharedtable.Sound, sharedtable.Sound} {
		was, value := increment(t, table, 1, 1)
		if was != want || value != uint64(n+1) {
			t.Errorf("update %d found condition %d and made %d, want condition %d and %d", n, was, value, want, n+1)
		}
	}
	if _, value := increment(t, table, 1, 0); value != 1 {
		t.Errorf("the other entry of the bucket is %d, want 1", value)
	}
	if _, value := increment(t, table, 5, 1); value != 4 {
		t.Errorf("hash 5 of 4 buckets made %d, want 4: it selects bucket 1", value)
	}
	if was, _ := increment(t, table, 2, 0); was != sharedtable.Fresh {
		t.Errorf("another bucket was found with condition %d, want fresh", was)
	}
}

func TestUpdateCostsOneGetAndOneSet(t *testing.T) {
	store := memstore.New(nil)
	table := sharedtable.New(store, counters)
	increment(t, table, 0, 0)
	if gets, sets := store.Calls(); gets != 1 || sets != 1 {
		t.Errorf("creating update made %d gets and %d sets, want 1 and 1", gets, sets)
	}
	increment(t, table, 0, 0)
	if gets, sets := store.Calls(); gets != 2 || sets != 2 {
		t.Errorf("two updates made %d gets and %d sets, want 2 and 2", gets, sets)
	}
	if err := table.Update(0, func(sharedtable.Bucket) bool { return false }); err != nil {
		t.Fatal(err)
	}
	if gets, sets := store.Calls(); gets != 3 || sets != 2 {
		t.Errorf("with one update that does not write: %d gets and %d sets, want 3 and 2", gets, sets)
	}
}

func TestKeysAreBoundedByTheLayout(t *testing.T) {
	store := memstore.New(nil)
	table := sharedtable.New(store, counters)
	for hash := range uint32(1000) {
		increment(t, table, hash*2654435761, 0)
	}
	keys := store.Keys()
	if len(keys) != int(counters.Buckets) {
		t.Errorf("%d keys for %d buckets", len(keys), counters.Buckets)
	}
	for _, key := range keys {
		if !strings.HasPrefix(key, "sallyport/1/counters/") {
			t.Errorf("key %q lacks prefix, version or name", key)
		}
	}
}

// Another VM creates the bucket between our read and our write: with a plain
// write its count would be lost.
func TestCreationHasNoRace(t *testing.T) {
	var other *sharedtable.Table
	raced := false
	store := memstore.New(func(op memstore.Operation, _ string) error {
		if op == memstore.Set && !raced {
			raced = true
			increment(t, other, 0, 0)
		}
		return nil
	})
	other = sharedtable.New(store, counters)
	if was, value := increment(t, sharedtable.New(store, counters), 0, 0); was != sharedtable.Sound || value != 2 {
		t.Errorf("the slower VM found condition %d and made %d, want sound and 2", was, value)
	}
}

func TestContentionIsBounded(t *testing.T) {
	sets, busy := 0, false
	var store *memstore.Store
	store = memstore.New(func(op memstore.Operation, key string) error {
		if op == memstore.Set && !busy {
			busy = true
			defer func() { busy = false }()
			sets++
			value, _, err := store.Get(key)
			if err != nil {
				value = []byte("first")
			}
			return store.Set(key, value, 0)
		}
		return nil
	})
	runs := 0
	err := sharedtable.New(store, counters).Update(0, func(sharedtable.Bucket) bool { runs++; return true })
	if !errors.Is(err, sharedtable.ErrContended) {
		t.Errorf("error %v, want ErrContended", err)
	}
	if runs != sharedtable.MaxAttempts || sets != sharedtable.MaxAttempts {
		t.Errorf("%d runs and %d sets, want %d", runs, sets, sharedtable.MaxAttempts)
	}
}

func TestHostFailures(t *testing.T) {
	broken := errors.New("host is broken")
	for _, tt := range []struct {
		name string
		op   memstore.Operation
		want string
	}{
		{"get", memstore.Get, "read shared bucket: host is broken"},
		{"set", memstore.Set, "write shared bucket: host is broken"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store := memstore.New(func(op memstore.Operation, _ string) error {
				if op == tt.op {
					return broken
				}
				return nil
			})
			err := sharedtable.New(store, counters).Update(0, func(sharedtable.Bucket) bool { return true })
			if !errors.Is(err, broken) || err.Error() != tt.want {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if _, err := sharedtable.Seed(store); !errors.Is(err, broken) {
				t.Errorf("seed: error %v, want the host's", err)
			}
		})
	}
}

// zeroCAS is a host that breaks the contract.
type zeroCAS struct{ host.Store }

func (z zeroCAS) Get(key string) ([]byte, uint32, error) {
	value, _, err := z.Store.Get(key)
	return value, 0, err
}

func TestReadWithoutCASIsAFailure(t *testing.T) {
	store := memstore.New(nil)
	increment(t, sharedtable.New(store, counters), 0, 0)
	err := sharedtable.New(zeroCAS{store}, counters).Update(0, func(sharedtable.Bucket) bool { return true })
	if err == nil {
		t.Error("a write with cas 0 would overwrite what others wrote, but there was no error")
	}
}

func TestConcurrentUpdatesLoseNothing(t *testing.T) {
	const workers, each = 8, 500
	table := sharedtable.New(memstore.New(nil), counters)
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for done := 0; done < each; {
				err := table.Update(3, func(b sharedtable.Bucket) bool {
					binary.BigEndian.PutUint64(b.Entry(0), binary.BigEndian.Uint64(b.Entry(0))+1)
					return true
				})
				if err == nil {
					done++
				} else if !errors.Is(err, sharedtable.ErrContended) {
					t.Errorf("update: %v", err)
					return
				}
			}
		})
	}
	all.Wait()
	if _, value := increment(t, table, 3, 0); value != workers*each+1 {
		t.Errorf("counted %d, want %d", value, workers*each+1)
	}
}

func TestEntriesDoNotOverlap(t *testing.T) {
	table := sharedtable.New(memstore.New(nil), sharedtable.Layout{Name: "t", Buckets: 1, Entries: 3, EntrySize: 5})
	err := table.Update(0, func(b sharedtable.Bucket) bool {
		if b.Len() != 3 {
			t.Errorf("%d entries, want 3", b.Len())
		}
		for i := range b.Len() {
			entry := b.Entry(i)
			if len(entry) != 5 || cap(entry) != 5 {
				t.Errorf("entry %d has length %d and capacity %d, want 5", i, len(entry), cap(entry))
			}
		}
		return false
	})
	if err != nil {
		t.Fatal(err)
	}
}

func BenchmarkUpdate(b *testing.B) {
	table := sharedtable.New(memstore.New(nil), sharedtable.Layout{Name: "bench", Buckets: 1024, Entries: 16, EntrySize: 16})
	b.ReportAllocs()
	for b.Loop() {
		if err := table.Update(7, func(sharedtable.Bucket) bool { return true }); err != nil {
			b.Fatal(err)
		}
	}
}

// Two tables of one name that differ in the entries of a bucket are one table,
// when both say so.
func TestReplayResizeOfATable(t *testing.T) {
	store := memstore.New(nil)
	sized := func(entries int, resizes bool) *sharedtable.Table {
		return sharedtable.New(store, sharedtable.Layout{Name: "sized", Buckets: 1, Entries: entries, EntrySize: 3, Resizes: resizes})
	}
	look := func(table *sharedtable.Table, write string) (found string, was sharedtable.Condition) {
		t.Helper()
		err := table.Update(0, func(b sharedtable.Bucket) bool {
			was, found = b.Condition, ""
			for i := range b.Len() {
				found += string(b.Entry(i)) + "."
				if i < len(write) {
					copy(b.Entry(i), strings.Repeat(write[i:i+1], 3))
				}
			}
			return write != ""
		})
		if err != nil {
			t.Fatal(err)
		}
		return found, was
	}
	const none = "\x00\x00\x00."
	for _, step := range []struct {
		entries int
		resizes bool
		write   string
		found   string
		was     sharedtable.Condition
	}{
		{2, true, "ab", none + none, sharedtable.Fresh},
		{4, true, "", "aaa.bbb." + none + none, sharedtable.Sound},
		{2, true, "", "aaa.bbb.", sharedtable.Sound},
		{4, true, "abcd", "aaa.bbb." + none + none, sharedtable.Sound},
		{2, true, "", "aaa.bbb.ccc.ddd.", sharedtable.Sound}, // not written: nothing is lost
		{4, true, "", "aaa.bbb.ccc.ddd.", sharedtable.Sound},
		{2, true, "dc", "aaa.bbb.ccc.ddd.", sharedtable.Sound},
		{4, true, "", "ddd.ccc." + none + none, sharedtable.Sound},
		{4, false, "", none + none + none + none, sharedtable.Damaged},
	} {
		if found, was := look(sized(step.entries, step.resizes), step.write); found != step.found || was != step.was {
			t.Errorf("%d entries: found %q, condition %d; want %q, %d", step.entries, found, was, step.found, step.was)
		}
	}
	for _, key := range store.Keys() {
		value, _, err := store.Get(key)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range [][]byte{value[:len(value)-1], value[:len(value)-3], append(value, 0, 0, 0), value[:8], value[:7], {}} {
			if err := store.Set(key, bad, 0); err != nil {
				t.Fatal(err)
			}
			if found, was := look(sized(3, true), ""); was != sharedtable.Damaged || found != none+none+none {
				t.Errorf("%d bytes: found %q, condition %d", len(bad), found, was)
			}
		}
	}
}
