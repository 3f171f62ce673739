package quota

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// table is one bucket of so many places, under a clock of the test's.
func table(store host.Store, places int) *sharedtable.Table {
	return sharedtable.New(store, sharedtable.Layout{Name: "quota/test", Buckets: 1, Entries: places + 1, EntrySize: entrySize})
}

func spendAt(t testing.TB, s *sharedtable.Table, hash uint64, terms *terms, weight int64, now time.Time) bool {
	t.Helper()
	got := exceeded
	err := s.Update(0, func(b sharedtable.Bucket) bool {
		a, entry, changed := open(b, hash, terms, false, now.UnixNano())
		if got = a.spend(terms.limit, weight); got != admitted && !changed {
			return false
		}
		a.encode(entry, hash)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return got == admitted
}

func TestQuotaCountsInWindows(t *testing.T) {
	for _, rolling := range []bool{false, true} {
		s, q := table(memstore.New(nil), 4), terms{limit: 3, interval: Hour, rolling: rolling}
		began := noon.Add(59 * time.Minute)
		for i := range 5 {
			if got := spendAt(t, s, 7, &q, 1, began); got != (i < 3) {
				t.Errorf("rolling %v: hit %d: %v", rolling, i, got)
			}
		}
		if spendAt(t, s, 7, &q, 1, noon.Add(time.Hour)) != !rolling {
			t.Errorf("rolling %v: a calendar's hour ends at the full hour", rolling)
		}
		if !spendAt(t, s, 7, &q, 1, began.Add(time.Hour)) {
			t.Errorf("rolling %v: refused in the next window", rolling)
		}
		if !spendAt(t, s, 8, &q, 3, began) || spendAt(t, s, 8, &q, 1, began) {
			t.Errorf("rolling %v: a weight counts otherwise", rolling)
		}
	}
}

func TestQuotaFollowsAChangedLimit(t *testing.T) {
	s := table(memstore.New(nil), 4)
	count := func(limit int64) (n int) {
		for spendAt(t, s, 1, &terms{limit: limit, interval: Day}, 1, noon) {
			n++
		}
		return n
	}
	if a, b, c, d := count(40), count(60), count(30), count(61); a != 40 || b != 20 || c != 0 || d != 1 {
		t.Errorf("admitted %d, %d, %d, %d", a, b, c, d)
	}
}

func TestQuotaForgivesNothingWhenTheClockGoesBack(t *testing.T) {
	s, q := table(memstore.New(nil), 4), terms{limit: 3, interval: Hour}
	for range 3 {
		spendAt(t, s, 1, &q, 1, noon)
	}
	if spendAt(t, s, 1, &q, 1, noon.Add(-3*time.Hour)) {
		t.Error("admitted in the hours before")
	}
	if !spendAt(t, s, 1, &q, 1, noon.Add(-2*time.Hour)) {
		t.Error("an hour that is over still counts")
	}
}

// TestQuotaOfABegunWindowHoldsWhenTheClockGoesBack: a small step back, or a worker
// that read the clock just before the turn and counts after another has counted
// behind it, gives nobody a window's limit twice.
func TestQuotaOfABegunWindowHoldsWhenTheClockGoesBack(t *testing.T) {
	for _, tt := range []struct {
		name          string
		interval      Interval
		back          time.Duration
		before, again bool // admitted before the turn, and behind it
	}{
		{"a worker that is behind", Hour, time.Millisecond, false, false},
		{"a second", Day, time.Second, false, false},
		{"half of a minute", Minute, 30 * time.Second, false, false},
		{"a minute", Month, time.Minute, false, false},
		{"more than a minute: the window had not begun", Hour, 2 * time.Minute, false, true},
		{"two windows", Minute, 2 * time.Minute, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, q := table(memstore.New(nil), 4), terms{limit: 1, interval: tt.interval}
			turn := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
			if !spendAt(t, s, 1, &q, 1, turn) {
				t.Fatal("refused at the turn")
			}
			if got := spendAt(t, s, 1, &q, 1, turn.Add(-tt.back)); got != tt.before {
				t.Errorf("before the turn: %v", got)
			}
			if got := spendAt(t, s, 1, &q, 1, turn.Add(time.Second)); got != tt.again {
				t.Errorf("behind it: %v", got)
			}
		})
	}
}

// TestQuotaOfLostPartiesEndsWhenTheClockGoesBack: what a full bucket remembers of
// those that lost their place there counts no longer than a window.
func TestQuotaOfLostPartiesEndsWhenTheClockGoesBack(t *testing.T) {
	for _, interval := range []Interval{Minute, Month} {
		s, q := table(memstore.New(nil), 2), terms{limit: 1, interval: interval}
		for party := range uint64(4) {
			spendAt(t, s, party+1, &q, 1, noon.AddDate(3, 0, 0))
		}
		if spendAt(t, s, 9, &q, 1, noon) {
			t.Errorf("%s: forgiven", interval)
		}
		if !spendAt(t, s, 9, &q, 1, noon.AddDate(0, 0, 1)) { // 1 December
			t.Errorf("%s: refused in the next window", interval)
		}
	}
}

func TestQuotaTakesADamagedBucketForSpent(t *testing.T) {
	store := memstore.New(nil)
	s, q := table(store, 4), terms{limit: 3, interval: Hour}
	spendAt(t, s, 1, &q, 1, noon)
	for _, key := range store.Keys() {
		if err := store.Set(key, []byte("torn"), 0); err != nil {
			t.Fatal(err)
		}
	}
	if spendAt(t, s, 1, &q, 1, noon) || spendAt(t, s, 2, &q, 1, noon) {
		t.Error("admitted from a damaged bucket")
	}
	if !spendAt(t, s, 1, &q, 1, noon.Add(time.Hour)) {
		t.Error("refused in the next window")
	}
}

// TestQuotaLimitHoldsForEveryParty: however many parties share a bucket that is
// too small for them, whatever the clock does but going back, none is admitted
// more than its limit in one of its windows.
func TestQuotaLimitHoldsForEveryParty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := table(memstore.New(nil), 3)
		q := terms{limit: rapid.Int64Range(1, 6).Draw(rt, "limit"), interval: Minute, rolling: rapid.Bool().Draw(rt, "rolling")}
		now := noon
		first, spent := map[uint64]time.Time{}, map[uint64]int64{}
		for range rapid.IntRange(1, 120).Draw(rt, "hits") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 0, 1, 20, 70}).Draw(rt, "seconds")) * time.Second)
			party, weight := rapid.Uint64Range(1, 7).Draw(rt, "party"), rapid.Int64Range(1, 3).Draw(rt, "weight")
			if !spendAt(t, s, party, &q, weight, now) {
				continue
			}
			over := !now.Before(first[party].Add(time.Minute))
			if !q.rolling {
				over = !now.Truncate(time.Minute).Equal(first[party].Truncate(time.Minute))
			}
			if over {
				first[party], spent[party] = now, 0
			}
			if spent[party] += weight; spent[party] > q.limit {
				rt.Fatalf("party %d was admitted %d of %d", party, spent[party], q.limit)
			}
		}
	})
}

func TestQuotaZeroValuesAdmitNothing(t *testing.T) {
	var a account
	var q terms
	if a.spend(q.limit, 1) != exceeded || a.spendShare(0, 1, 10) != exceeded || a.fits(10, 0) || a.fits(10, -1) || q.usable(noon.UnixNano()) {
		t.Error("admitted by zero values")
	}
	if answer(0) != exceeded {
		t.Error("the zero answer admits")
	}
}
