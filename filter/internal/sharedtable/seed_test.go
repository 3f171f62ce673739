package sharedtable_test

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

func TestSeed(t *testing.T) {
	store := memstore.New(nil)
	first, err := sharedtable.Seed(store)
	if err != nil {
		t.Fatal(err)
	}
	if first == ([sharedtable.SeedSize]byte{}) {
		t.Fatal("the seed is all zeros")
	}
	if second, err := sharedtable.Seed(store); err != nil || second != first {
		t.Errorf("second call gave another seed (error %v)", err)
	}
	if elsewhere, err := sharedtable.Seed(memstore.New(nil)); err != nil || elsewhere == first {
		t.Errorf("another store has the same seed (error %v)", err)
	}
}

func TestSeedIsMadeOnce(t *testing.T) {
	var store *memstore.Store
	var winner [sharedtable.SeedSize]byte
	raced := false
	store = memstore.New(func(op memstore.Operation, _ string) (err error) {
		if op == memstore.Set && !raced {
			raced = true
			winner, err = sharedtable.Seed(store)
		}
		return err
	})
	if loser, err := sharedtable.Seed(store); err != nil || loser != winner {
		t.Errorf("two VMs made two seeds (error %v)", err)
	}
}
