package sharedtable_test

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

func TestDamageIsSeen(t *testing.T) {
	store := memstore.New(nil)
	table := sharedtable.New(store, counters)
	increment(t, table, 0, 0)
	increment(t, table, 1, 0)
	keys := store.Keys()
	sound, _, err := store.Get(keys[0])
	if err != nil {
		t.Fatal(err)
	}
	edited := func(edit func(v []byte) []byte) []byte { return edit(append([]byte(nil), sound...)) }
	neighbour, _, err := store.Get(keys[1])
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		value []byte
		want  sharedtable.Condition
	}{
		{"untouched", sound, sharedtable.Sound},
		{"empty", nil, sharedtable.Damaged},
		{"cut short", sound[:len(sound)-1], sharedtable.Damaged},
		{"too long", edited(func(v []byte) []byte { return append(v, 0) }), sharedtable.Damaged},
		{"other magic", edited(func(v []byte) []byte { v[3]++; return v }), sharedtable.Damaged},
		{"other checksum", edited(func(v []byte) []byte { v[7]++; return v }), sharedtable.Damaged},
		{"one bit of an entry", edited(func(v []byte) []byte { v[len(v)-1] ^= 1; return v }), sharedtable.Damaged},
		{"all zeros", make([]byte, len(sound)), sharedtable.Damaged},
		{"copied from another bucket", neighbour, sharedtable.Damaged},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := store.Set(keys[0], tt.value, 0); err != nil {
				t.Fatal(err)
			}
			if was, _ := increment(t, table, 0, 0); was != tt.want {
				t.Errorf("condition %d, want %d", was, tt.want)
			}
			if was, _ := increment(t, table, 0, 0); was != sharedtable.Sound {
				t.Errorf("after a write the condition is %d, want sound", was)
			}
		})
	}
}

// Two VMs that both find damage must not both replace it.
func TestDamageIsReplacedOnce(t *testing.T) {
	var store *memstore.Store
	var other *sharedtable.Table
	raced := false
	store = memstore.New(func(op memstore.Operation, _ string) error {
		if op == memstore.Set && !raced && other != nil {
			raced = true
			increment(t, other, 0, 0)
		}
		return nil
	})
	if err := store.Set("sallyport/1/counters/0", []byte("junk"), 0); err != nil {
		t.Fatal(err)
	}
	other = sharedtable.New(store, counters)
	if was, value := increment(t, sharedtable.New(store, counters), 0, 0); was != sharedtable.Sound || value != 2 {
		t.Errorf("the slower VM found condition %d and made %d, want sound and 2", was, value)
	}
}

func FuzzUpdate(f *testing.F) {
	store := memstore.New(nil)
	if err := sharedtable.New(store, counters).Update(0, func(sharedtable.Bucket) bool { return true }); err != nil {
		f.Fatal(err)
	}
	for _, value := range store.Dump() {
		f.Add(value)
		f.Add(value[:len(value)-1])
	}
	f.Add([]byte{})
	f.Add([]byte("SPT1"))
	f.Fuzz(func(t *testing.T, value []byte) {
		store := memstore.New(nil)
		table := sharedtable.New(store, counters)
		if err := store.Set("sallyport/1/counters/0", value, 0); err != nil {
			t.Fatal(err)
		}
		was, first := increment(t, table, 0, 1)
		if was == sharedtable.Fresh {
			t.Error("a value that is there was called fresh")
		}
		if was == sharedtable.Damaged && first != 1 {
			t.Errorf("a damaged bucket read as %d, want zeros", first-1)
		}
		if was, second := increment(t, table, 0, 1); was != sharedtable.Sound || second != first+1 {
			t.Errorf("then condition %d and %d, want sound and %d", was, second, first+1)
		}
	})
}
