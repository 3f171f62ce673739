package dpop

import (
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

func numbered(n int) (id proofID) {
	binary.BigEndian.PutUint64(id[8:], uint64(n)) // all in one bucket
	return id
}

// TestNoProofTwice: whatever comes in whatever order, no proof is taken twice, by
// workers that share the memory, and however often it has to forget.
func TestNoProofTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		store := memstore.New(nil)
		workers := []spent{newSpent(store, 1), newSpent(store, 1)}
		taken := map[int]bool{}
		times := map[int]int64{} // a proof has one iat, which is signed
		for range rapid.IntRange(1, 400).Draw(t, "proofs") {
			n := rapid.IntRange(1, 120).Draw(t, "proof")
			if _, known := times[n]; !known {
				times[n] = int64(rapid.IntRange(1, 40).Draw(t, "iat"))
			}
			first, err := workers[n%2].add(numbered(n), times[n], 50)
			if err != nil {
				t.Fatal(err)
			}
			if first && taken[n] {
				t.Fatalf("proof %d was taken twice", n)
			}
			taken[n] = taken[n] || first
		}
	})
}

// TestFloodRefusesOnlyTheOld: when a bucket is full, a proof that is younger than
// all that it gave up is still taken.
func TestFloodRefusesOnlyTheOld(t *testing.T) {
	s := newSpent(memstore.New(nil), 1)
	for i := range 10 * perBucket {
		if first, err := s.add(numbered(i+1), int64(i+1), 1000); !first || err != nil {
			t.Fatalf("proof %d: %v, %v", i, first, err)
		}
	}
	if first, _ := s.add(numbered(1_000_000), 9*perBucket, 1000); first {
		t.Error("a proof as old as one that was given up was taken")
	}
	if first, _ := s.add(numbered(1_000_001), 9*perBucket+2, 1000); !first {
		t.Error("a proof that is younger than all that were given up was refused")
	}
}

// TestMemoryIsFixed: the host never frees a key, so their number may not grow.
func TestMemoryIsFixed(t *testing.T) {
	keys := map[string]bool{}
	s := newSpent(memstore.New(func(_ memstore.Operation, key string) error { keys[key] = true; return nil }), 1000)
	for i := range 20_000 {
		var id proofID
		binary.BigEndian.PutUint32(id[:], uint32(i)*2654435761)
		if _, err := s.add(id, int64(i/100+1), 1000); err != nil {
			t.Fatal(err)
		}
	}
	if want := (1000 + perBucket - 1) / perBucket; len(keys) != want {
		t.Errorf("%d keys, want %d", len(keys), want)
	}
}

// TestDamagedMemory: what something else wrote says nothing of the past, so all
// proofs that may have been there are refused.
func TestDamagedMemory(t *testing.T) {
	var key string
	store := memstore.New(func(_ memstore.Operation, k string) error { key = k; return nil })
	s := newSpent(store, 1)
	if first, _ := s.add(numbered(1), 100, 110); !first {
		t.Fatal("first proof refused")
	}
	_, cas, err := store.Get(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Set(key, []byte("something else"), cas); err != nil {
		t.Fatal(err)
	}
	for issued, want := range map[int64]bool{100: false, 110: false} {
		if first, err := s.add(numbered(1), issued, 110); first != want || err != nil {
			t.Errorf("iat %d: %v, %v", issued, first, err)
		}
	}
	if first, _ := s.add(numbered(2), 111, 116); !first {
		t.Error("a proof that was made after the damage was found was refused")
	}
}
