package introspection

import (
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

// gets are the reads of shared data that a token costs.
func gets(t *testing.T, store *memstore.Store, b *bench, token string, want denial.Denial) int {
	t.Helper()
	before, _ := store.Calls()
	b.arrive(token).wantDenied(t, want)
	after, _ := store.Calls()
	return after - before
}

// TestDeadTokenCostsOneLook: an inactive token that comes again is refused with one look into shared data, and counted as
// ever; one that differs in a byte is not it.
func TestDeadTokenCostsOneLook(t *testing.T) {
	store := memstore.New(nil)
	b := newBenchOn(store, host.NoPeers{}, 0, func(o *Options) { o.SharedEntries, o.NegativeTTL = 64, time.Minute })
	b.arrive("abc").wantParked(t)
	b.land(0, answered(200, `{"active":false}`))
	for i := range 5 {
		n := gets(t, store, b, "abc", inactiveDenial)
		if i > 0 && n != 1 {
			t.Errorf("%d reads of shared data, want 1", n)
		}
	}
	b.now = b.now.Add(-time.Second)
	b.arrive("abc").wantParked(t) // the clock was set back
	b.now = b.now.Add(time.Second)
	b.wantCalls(t, 2)
	if got := b.counted[metricHitsGone]; got != 5 {
		t.Errorf("%d hits of inactive tokens were counted, want 5", got)
	}
	x := &exchange{Exchange: withAuthorization("a=1&access_token=abc", "Bearer abc"), run: b.seq.Begin()}
	x.verdict = x.run.Advance(x.Exchange, b.now.UnixNano(), func() {})
	x.wantDenied(t, denial.Denial{Reason: denial.TokenAmbiguous})
	b.arrive("abd").wantParked(t)
	b.arrive("abc").wantDenied(t, inactiveDenial)
}

// TestDeadTokenEnds: with negative_ttl, and at once when any VM learns better, whatever else shares its place.
func TestDeadTokenEnds(t *testing.T) {
	store := memstore.New(nil)
	with := func(o *Options) { o.SharedEntries, o.NegativeTTL = 16, 300*time.Millisecond }
	one, other := newBenchOn(store, host.NoPeers{}, 0, with), newBenchOn(store, host.NoPeers{}, 0, with)
	one.arrive("abc").wantParked(t)
	one.land(0, answered(200, `{"active":false}`))
	one.arrive("xyz").wantParked(t)
	for _, b := range []*bench{one, other} {
		for range 2 {
			b.arrive("abc").wantDenied(t, inactiveDenial)
		}
	}
	one.land(1, answered(200, `{"active":false}`)) // changes the bucket, and not this token
	for _, b := range []*bench{one, other} {
		b.now = b.now.Add(300*time.Millisecond - 1)
		b.arrive("abc").wantDenied(t, inactiveDenial)
		b.now = b.now.Add(1)
	}
	one.arrive("abc").wantParked(t)
	one.land(2, answered(200, `{"active":false}`))
	one.arrive("abc").wantDenied(t, inactiveDenial)
	other.arrive("abc").wantDenied(t, inactiveDenial)
	other.arrive("abc").wantDenied(t, inactiveDenial)
	one.step.remember(&call{key: one.step.keys.of("abc"), valid: always}, &pipeline.Claims{Active: true, Subject: "jane", Expires: one.now.Unix() + 300}, one.now.UnixNano())
	one.arrive("abc").wantAdmitted(t, "jane")
	other.arrive("abc").wantAdmitted(t, "jane")
}
