package spikearrest

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

func cellOf(s pipeline.Step) string {
	return "sallyport/1/spike_arrest/2/" + ascii.Hex(s.(*step).callers.identity[:16]) + "/0"
}

// TestTotalIsABucketOfOneEntry: the limit of all messages decides, calls the host and recovers as a table does that has
// room for one caller, whatever the clock does, however old readings are, and whatever is written over the values.
func TestTotalIsABucketOfOneEntry(t *testing.T) {
	admitted, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		o := drawOptions(t, 6)
		total, one := o, o
		total.Per = Per{Kind: All}
		one.Per = Per{Kind: App} // none has one, so all are one caller
		c := newClock()
		read := func() int64 { return c.now.UnixNano() }
		stores := [2]*memstore.Store{memstore.New(nil), memstore.New(nil)}
		var workers [2][2]pipeline.Step
		for i := range 2 {
			workers[0][i] = New(total, stores[0], read)
			workers[1][i] = shrink(New(one, stores[1], read), stores[1], 1, 1)
			if _, err := workers[1][i].(*step).callers.of(&pipeline.Exchange{}); err != nil { // reads the seed
				t.Fatal(err)
			}
		}
		slot := workers[0][0].(*step).limit.slot
		key := [2]string{cellOf(workers[0][0]), "sallyport/1/small/0"}
		for range rapid.IntRange(1, 100).Draw(t, "length") {
			c.now = c.now.Add(time.Duration(rapid.SampledFrom([]int64{0, 0, 0, 0, 1, slot / 3, slot, 5 * slot, 3600e9,
				-1, -slot, -1e9, -30e9, -3600e9}).Draw(t, "step")))
			if rapid.IntRange(0, 9).Draw(t, "damaged") == 0 {
				junk := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "junk")
				for i, s := range stores {
					if err := s.Set(key[i], junk, 0); err != nil {
						t.Fatal(err)
					}
				}
			}
			lag := rapid.SampledFrom([]int64{0, 0, 0, slot, 1e9, 3600e9}).Draw(t, "lag")
			worker := rapid.IntRange(0, 1).Draw(t, "worker")
			var said [2]string
			for i := range workers {
				gets, sets := stores[i].Calls()
				d, denied := workers[i][worker].Apply(&pipeline.Exchange{Now: read() - lag}).Denial()
				moreGets, moreSets := stores[i].Calls()
				d.Limit = nil // they say what is counted by
				said[i] = fmt.Sprintf("%v %+v, %d gets and %d sets", denied, d, moreGets-gets, moreSets-sets)
				if denied {
					refused++
				} else {
					admitted++
				}
			}
			if said[0] != said[1] {
				t.Fatalf("in all %s, of one caller %s", said[0], said[1])
			}
		}
	})
	if admitted < 100 || refused < 100 {
		t.Errorf("%d admitted and %d refused say nothing", admitted, refused)
	}
}

// TestTotalTakes16Bytes, and its key says nothing of older layouts.
func TestTotalTakes16Bytes(t *testing.T) {
	store := memstore.New(nil)
	s := made(options(t, ""), store)
	wantAllowed(t, s, &pipeline.Exchange{Now: newClock().now.UnixNano()})
	dump := store.Dump()
	if value := dump[cellOf(s)]; len(dump) != 1 || len(value) != 16 {
		t.Errorf("shared data is %q", dump)
	}
}

// An old worker's bucket beside the total is never read as one.
func TestTotalReadsNoBucket(t *testing.T) {
	store := memstore.New(nil)
	s := made(options(t, ""), store).(*step)
	old := sharedtable.New(store, sharedtable.Layout{Name: "spike_arrest/" + ascii.Hex(s.callers.identity[:16]), Buckets: 1, Entries: 1, EntrySize: entrySize})
	now := newClock().now.UnixNano()
	if err := old.Update(0, func(b sharedtable.Bucket) bool { putEntry(b.Entry(0), 0, now+1e12); return true }); err != nil {
		t.Fatal(err)
	}
	wantAllowed(t, s, &pipeline.Exchange{Now: now})
}
