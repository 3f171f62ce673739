package introspection

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
	"github.com/sallyport-gateway/sallyport/filter/internal/siphash"
)

// gets are the reads of shared data that a token costs.
func gets(t *testing.T, store *memstore.Store, b *bench, token string, want denial.Denial) int {
	t.Helper()
	before, _ := store.Calls()
	b.arrive(token).wantDenied(t, want)
	after, _ := store.Calls()
	return after - before
}

// TestDeadTokenCostsNothing: an inactive token that comes again is refused without a look into shared data, but once in
// RecheckEvery, and counted as ever; one that differs in a byte is not it.
func TestDeadTokenCostsNothing(t *testing.T) {
	store := memstore.New(nil)
	b := newBenchOn(store, pipeline.NoPeers{}, 0, func(o *Options) { o.SharedEntries, o.NegativeTTL = 64, time.Minute })
	b.arrive("abc").wantParked(t)
	b.land(0, answered(200, `{"active":false}`))
	if gets(t, store, b, "abc", inactiveDenial) == 0 {
		t.Error("the first one after the answer did not look into shared data")
	}
	for range 5 {
		if n := gets(t, store, b, "abc", inactiveDenial); n != 0 {
			t.Errorf("%d reads of shared data for an inactive token that was seen just now", n)
		}
	}
	b.now = b.now.Add(RecheckEvery)
	if gets(t, store, b, "abc", inactiveDenial) == 0 {
		t.Error("believed for longer than RecheckEvery")
	}
	b.now = b.now.Add(-2 * RecheckEvery)
	b.arrive("abc").wantParked(t) // the clock was set back
	b.now = b.now.Add(2 * RecheckEvery)
	b.wantCalls(t, 2)
	if got := b.counted[metricHitsGone]; got != 7 {
		t.Errorf("%d hits of inactive tokens were counted, want 7", got)
	}
	x := &exchange{Exchange: withAuthorization("a=1&access_token=abc", "Bearer abc"), run: b.seq.Begin()}
	x.verdict = x.run.Advance(x.Exchange, b.now.UnixNano(), func() {})
	x.wantDenied(t, denial.Denial{Reason: denial.TokenAmbiguous})
	b.arrive("abd").wantParked(t)
	b.arrive("abc").wantDenied(t, inactiveDenial)
}

// TestDeadTokenEnds: with negative_ttl, and with what another VM has learned since.
func TestDeadTokenEnds(t *testing.T) {
	store := memstore.New(nil)
	with := func(o *Options) { o.SharedEntries, o.NegativeTTL = 64, 300*time.Millisecond }
	one, other := newBenchOn(store, pipeline.NoPeers{}, 0, with), newBenchOn(store, pipeline.NoPeers{}, 0, with)
	one.arrive("abc").wantParked(t)
	one.land(0, answered(200, `{"active":false}`))
	for _, b := range []*bench{one, other} {
		for range 2 {
			b.arrive("abc").wantDenied(t, inactiveDenial)
		}
		b.now = b.now.Add(300*time.Millisecond - 1)
		b.arrive("abc").wantDenied(t, inactiveDenial)
		b.now = b.now.Add(1)
	}
	one.arrive("abc").wantParked(t)
	one.land(1, one.active("jane"))
	one.arrive("abc").wantAdmitted(t, "jane")
	other.arrive("abc").wantAdmitted(t, "jane")
}

// TestDeadNames holds the table against a map: it may forget, but never says more than was noted.
func TestDeadNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d dead
		type span struct{ from, until int64 }
		model := map[siphash.Sum]span{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			name := siphash.Sum{rapid.SampledFrom([]uint64{0, 1, 2, maxDead, maxDead + 1}).Draw(t, "low"), rapid.Uint64Range(0, 2).Draw(t, "high")}
			now := rapid.Int64Range(0, 5).Draw(t, "now") * int64(time.Second)
			if rapid.Bool().Draw(t, "put") {
				until := now + rapid.Int64Range(-1, 3).Draw(t, "life")*int64(time.Second)/2
				d.put(name, now, until)
				if name != (siphash.Sum{}) {
					model[name] = span{now, min(until, now+int64(RecheckEvery))}
				}
				if got := d.has(name, now); got != (name != (siphash.Sum{}) && until > now) {
					t.Fatalf("%v at %d until %d: %v", name, now, until, got)
				}
				continue
			}
			if m := model[name]; d.has(name, now) && (now < m.from || now >= m.until) {
				t.Fatalf("%v at %d is believed, noted was %v", name, now, m)
			}
		}
	})
}
