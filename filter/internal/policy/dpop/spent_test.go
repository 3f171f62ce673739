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

// TestReplayResizeNoProofTwice: whatever comes in whatever order, no proof is taken twice, by
// workers that share the memory, also of two sizes, and however often it has to
// forget.
func TestReplayResizeNoProofTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		store := memstore.New(nil)
		sizes := rapid.SampledFrom([][2]int{{1, 1}, {1, 40 * buckets}, {40 * buckets, 1}, {20 * buckets, 50 * buckets}}).Draw(t, "sizes")
		workers := []spent{newSpent(store, sizes[0]), newSpent(store, sizes[1])}
		taken := map[int]bool{}
		times := map[int]int64{} // a proof has one iat, which is signed
		for range rapid.IntRange(1, 400).Draw(t, "proofs") {
			n := rapid.IntRange(1, 120).Draw(t, "proof")
			if _, known := times[n]; !known {
				times[n] = int64(rapid.IntRange(1, 40).Draw(t, "iat"))
			}
			first, err := workers[rapid.IntRange(0, 1).Draw(t, "worker")].add(numbered(n), times[n], 50)
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
	for i := range 10 * minPerBucket {
		if first, err := s.add(numbered(i+1), int64(i+1), 1000); !first || err != nil {
			t.Fatalf("proof %d: %v, %v", i, first, err)
		}
	}
	if first, _ := s.add(numbered(1_000_000), 9*minPerBucket, 1000); first {
		t.Error("a proof as old as one that was given up was taken")
	}
	if first, _ := s.add(numbered(1_000_001), 9*minPerBucket+2, 1000); !first {
		t.Error("a proof that is younger than all that were given up was refused")
	}
}

// TestMemoryIsFixed: the host never frees a key, so their number may not grow.
func TestMemoryIsFixed(t *testing.T) {
	keys := map[string]bool{}
	s := newSpent(memstore.New(func(_ memstore.Operation, key string) error { keys[key] = true; return nil }), 1000)
	for i := range 50_000 {
		var id proofID
		binary.BigEndian.PutUint32(id[:], uint32(i)*2654435761)
		if _, err := s.add(id, int64(i/100+1), 1000); err != nil {
			t.Fatal(err)
		}
	}
	if len(keys) != buckets {
		t.Errorf("%d keys, want %d", len(keys), buckets)
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

// A bucket that grows forgets nothing, one that shrinks gives up the oldest; and
// what no configuration has taken before is taken as usual.
func TestReplayResize(t *testing.T) {
	const large, small = 64 * buckets, minPerBucket * buckets
	for _, sizes := range [][]int{{small, large}, {large, small}, {large, small, large}, {small, large, small}, {large, large}} {
		store := memstore.New(nil)
		s := newSpent(store, sizes[0])
		const used = 40
		for n := 1; n <= used; n++ {
			if first, err := s.add(numbered(n), int64(100+n), 1000); !first || err != nil {
				t.Fatalf("%v: proof %d: %v, %v", sizes, n, first, err)
			}
		}
		for _, size := range sizes[1:] {
			s = newSpent(store, size)
			for n := 1; n <= used; n++ {
				if first, _ := s.add(numbered(n), int64(100+n), 1000); first {
					t.Errorf("%v: proof %d is taken again", sizes, n)
				}
			}
			// One of this size is written, and thereby resized.
			if first, err := s.add(numbered(1000+size), 900, 1000); !first || err != nil {
				t.Errorf("%v: a new proof: %v, %v", sizes, first, err)
			}
		}
		if first, _ := s.add(numbered(2000), 100+used+1, 1000); !first {
			t.Errorf("%v: a proof that is younger than all that were given up is refused", sizes)
		}
		if s.most == large/buckets && sizes[0] == large && len(sizes) == 2 {
			if first, _ := s.add(numbered(2001), 100, 1000); !first {
				t.Errorf("%v: where there is room an older proof is refused", sizes)
			}
		}
	}
}

// Two VMs that write a bucket at once, each in its own size, forget nothing.
func TestReplayResizeRace(t *testing.T) {
	var other spent
	races := 0
	for _, sizes := range [][2]int{{1, MaxEntries}, {MaxEntries, 1}} {
		store := memstore.New(func(op memstore.Operation, _ string) error {
			if op == memstore.Set && races > 0 {
				races--
				if first, err := other.add(numbered(7), 100, 110); !first || err != nil {
					t.Errorf("the rival: %v, %v", first, err)
				}
			}
			return nil
		})
		s := newSpent(store, sizes[0])
		other = newSpent(store, sizes[1])
		races = 1
		if first, _ := s.add(numbered(7), 100, 110); first {
			t.Errorf("%v: one proof was taken by both", sizes)
		}
		if first, _ := s.add(numbered(8), 100, 110); !first {
			t.Errorf("%v: another proof was refused", sizes)
		}
	}
}
