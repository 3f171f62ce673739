package quota

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

func TestQuotaExactAdmitsTheLimit(t *testing.T) {
	w := newWorld(t)
	o := options(Exact, 50)
	a, b := memstore.New(nil), memstore.New(nil)
	workers := []*step{w.worker(o, a), w.worker(o, a), w.worker(o, b), w.worker(o, b)}
	if got := w.burst(300, "shop", workers...); got[passes] != 50 || got[over] != 250 {
		t.Errorf("%v", got)
	}
	if n := len(w.engine.calls); n > 55 {
		t.Errorf("%d calls for 300 requests of a limit of 50", n)
	}
	if first := w.engine.calls[0]; first.key != "sallyport_quota_default_interval_hour_app_shop_" || first.limit != 50 || first.unit != 3 || first.hits != 1 {
		t.Errorf("the engine was asked %+v", first)
	}
	before := len(w.engine.calls)
	if got := w.burst(100, "shop", workers...); got[over] != 100 || len(w.engine.calls) != before {
		t.Errorf("when it is used up: %v with %d calls", got, len(w.engine.calls)-before)
	}
	w.advance(time.Hour)
	if got := w.burst(300, "shop", workers...); got[passes] != 50 {
		t.Errorf("in the next hour: %v", got)
	}
}

func TestQuotaExactSharesCalls(t *testing.T) {
	w := newWorld(t)
	s := w.worker(options(Exact, 100_000), memstore.New(nil))
	w.one(s, "shop")
	for range 10 {
		if got := w.burst(200, "shop", s); got[passes] != 200 {
			t.Fatalf("%v", got)
		}
	}
	hits := int64(0)
	for _, c := range w.engine.calls {
		hits += c.hits
	}
	if n := len(w.engine.calls); hits != 2001 || n > 41 {
		t.Errorf("%d calls for %d hits", n, hits)
	}
}

func TestQuotaExactFollowsAChangedLimit(t *testing.T) {
	w, store := newWorld(t), memstore.New(nil)
	first := w.burst(25, "shop", w.worker(options(Exact, 40), store))
	second := w.burst(100, "shop", w.worker(options(Exact, 60), store))
	if first[passes] != 25 || second[passes] != 35 {
		t.Errorf("%v, then %v", first, second)
	}
	if third := w.burst(100, "shop", w.worker(options(Exact, 30), store)); third[over] != 100 {
		t.Errorf("lowered: %v", third)
	}
	if raised := w.burst(100, "shop", w.worker(options(Exact, 80), store)); raised[passes] < 18 || raised[passes] > 20 {
		t.Errorf("raised: %v, want 20 less the calls that met the limit", raised)
	}
}

func TestQuotaExactNoticesAReset(t *testing.T) {
	w, store := newWorld(t), memstore.New(nil)
	s := w.worker(options(Exact, 5), store)
	w.burst(20, "shop", s)
	clear(w.engine.counts)
	w.want(w.one(s, "shop"), over)
	w.advance(lookAgain * time.Nanosecond)
	w.want(w.one(s, "shop"), over) // has the engine looked at
	if last := w.engine.calls[len(w.engine.calls)-1]; last.hits != 0 {
		t.Errorf("a look counts %d", last.hits)
	}
	if got := w.burst(20, "shop", s); got[passes] != 5 {
		t.Errorf("after a reset: %v", got)
	}
}

// TestQuotaWaitersWhoLeftTakeNoPlace: clients that do not wait for the answer keep
// nobody out who does, and nobody's hits are counted who had left by then.
func TestQuotaWaitersWhoLeftTakeNoPlace(t *testing.T) {
	w := newWorld(t)
	s := w.worker(options(Exact, 100_000), memstore.New(nil))
	sequence := pipeline.NewSequence(s)
	arrive := func() *pipeline.Run {
		r := sequence.Begin()
		if got := r.Advance(exchange(w, "shop"), w.now.UnixNano(), func() {}); got != pipeline.Parked {
			t.Fatalf("verdict %v", got)
		}
		return r
	}
	first := arrive()
	for range 3 * maxWaiting {
		arrive().Fail(denial.Denial{})
	}
	last := arrive()
	w.engine.deliver()
	for _, r := range []*pipeline.Run{first, last} {
		if got := r.Advance(exchange(w, "shop"), w.now.UnixNano(), nil); got != pipeline.Admitted {
			t.Errorf("verdict %v for %v", got, r.Denial().Reason)
		}
	}
	hits := int64(0)
	for _, c := range w.engine.calls {
		hits += c.hits
	}
	if hits != 2 {
		t.Errorf("%d hits for two requests", hits)
	}
}

// TestQuotaEngineThatHasNoLimit: envoyproxy/ratelimit says OK to a domain that it
// does not know, without a limit; that is not an admission.
func TestQuotaEngineThatHasNoLimit(t *testing.T) {
	for mode, free := range map[Mode]int{Exact: 0, Reconciled: 2 * 10} { // two batches are admitted before anybody is asked
		w := newWorld(t)
		w.engine.knows = "another_"
		s := w.worker(options(mode, 1000), memstore.New(nil))
		got := map[string]int{}
		for range 100 {
			got[w.one(s, "shop")]++
		}
		if got[passes] != free || got[missing] != 100-free {
			t.Errorf("%s: %v, want %d admitted and the others refused", modeWords[mode], got, free)
		}
		if w.metrics[metricCalls+"failed|"] == 0 || w.metrics[metricCalls+"ok|"] != 0 {
			t.Errorf("%s: counted %v", modeWords[mode], w.metrics)
		}
		told := 0
		for _, line := range w.lines {
			if strings.Contains(line, `"sallyport"`) {
				told++
			}
		}
		if told != 1 {
			t.Errorf("%s: the operator was told %d times: %q", modeWords[mode], told, w.lines)
		}
	}
}

// TestQuotaEngineClockIsAnothers: an answer about the window before does not use
// up the present one.
func TestQuotaEngineClockIsAnothers(t *testing.T) {
	for _, mode := range []Mode{Exact, Reconciled} {
		w, store := newWorld(t), memstore.New(nil)
		s := w.worker(options(mode, 5), store)
		w.advance(time.Hour - 500*time.Millisecond)
		w.burst(20, "shop", s)
		w.now = w.now.Add(time.Second) // the engine's clock stays in the hour before
		w.burst(30, "shop", s)
		w.advance(time.Minute)
		if got := w.burst(20, "shop", s); mode == Exact && got[passes] != 5 {
			t.Errorf("exact: %v in the hour after", got)
		}
	}
}

func TestQuotaReconciledReportsInBatches(t *testing.T) {
	w := newWorld(t)
	o := options(Reconciled, 1000)
	one, other := memstore.New(nil), memstore.New(nil)
	workers := []*step{w.worker(o, one), w.worker(o, one), w.worker(o, other)}
	admitted := 0
	for range 1500 {
		for _, s := range workers {
			if w.one(s, "shop") == passes {
				admitted++
			}
		}
	}
	const bound = 1000 + 2*2*10 - 1
	if admitted < 1000 || admitted > bound {
		t.Errorf("admitted %d, bound %d", admitted, bound)
	}
	if n := len(w.engine.calls); n > admitted/10 {
		t.Errorf("%d calls for %d requests in batches of 10", n, admitted)
	}
}

func TestQuotaReconciledAloneIsExact(t *testing.T) {
	w, store := newWorld(t), memstore.New(nil)
	o := options(Reconciled, 95)
	s := w.worker(o, store)
	if got := w.burst(300, "shop", s, w.worker(o, store)); got[passes] != 95 {
		t.Errorf("%v", got)
	}
}

func TestQuotaReconciledReportsWhatIsDue(t *testing.T) {
	w, store := newWorld(t), memstore.New(nil)
	s := w.worker(options(Reconciled, 100), store)
	w.one(s, "shop")
	if !s.engine.Busy() || len(w.engine.calls) != 0 {
		t.Fatalf("busy %v after %d calls", s.engine.Busy(), len(w.engine.calls))
	}
	for range 10 {
		w.advance(250 * time.Millisecond)
		s.engine.Tick(w.now.UnixNano())
		w.engine.deliver()
	}
	if len(w.engine.calls) != 1 || w.engine.calls[0].hits != 1 || s.engine.Busy() {
		t.Errorf("%+v, busy %v", w.engine.calls, s.engine.Busy())
	}
}

func TestQuotaWithoutItsEngine(t *testing.T) {
	for _, mode := range []Mode{Exact, Reconciled} {
		for _, tt := range []struct {
			name     string
			may      int64
			inOutage int
		}{
			{"deny", 0, 0},
			{"some", 7, 7},
			{"allow", MaxLimit, 40},
		} {
			t.Run(modeWords[mode]+" "+tt.name, func(t *testing.T) {
				w, store := newWorld(t), memstore.New(nil)
				o := options(mode, 40)
				o.Engine.Batch = 1
				o.Engine.OnFailure.Hits = tt.may
				s := w.worker(o, store)
				w.engine.down = true
				n, last := 0, ""
				for range 100 {
					if last = w.one(s, "shop"); last == passes {
						n++
					}
				}
				if mode == Reconciled { // a share goes on by itself
					tt.inOutage = max(tt.inOutage, 2)
				}
				if n != tt.inOutage || tt.may < 40 && last != missing || tt.may >= 40 && last != over {
					t.Errorf("%d went on in the outage, want %d; then %s", n, tt.inOutage, last)
				}
				w.engine.down = false
				for range 30 { // the breaker closes, the hits are reported
					w.advance(time.Second)
					s.engine.Tick(w.now.UnixNano())
					w.engine.deliver()
				}
				total := n
				for range 100 {
					if w.one(s, "shop") == passes {
						total++
					}
				}
				if total != 40 {
					t.Errorf("%d in all, want 40", total)
				}
				s.engine.Tick(w.now.Add(time.Minute).UnixNano())
				w.engine.deliver()
				for key, count := range w.engine.counts {
					if count < 40 {
						t.Errorf("%s is %d: hits were lost", key, count)
					}
				}
			})
		}
	}
}

func TestQuotaEngineThatIsNotThere(t *testing.T) {
	w := newWorld(t)
	s := w.worker(options(Exact, 40), memstore.New(nil))
	w.engine.absent = true
	w.want(w.one(s, "shop"), missing)
	if len(s.engine.desks) != 0 {
		t.Error("a desk is left")
	}
}

// TestQuotaYearOfTheEngine: the engine's year turns on 18 December 2026, and counts
// from 0 then.
func TestQuotaYearOfTheEngine(t *testing.T) {
	for _, mode := range []Mode{Exact, Reconciled} {
		w, store := newWorld(t), memstore.New(nil)
		o := options(mode, 310)
		o.Terms.Interval = uint8(Month)
		s := w.worker(o, store)
		w.advance(12 * time.Hour) // 1 December
		total := 0
		for range 31 {
			total += w.burst(100, "shop", s)[passes]
			w.advance(24*time.Hour - 10*time.Second)
			if w.one(s, "shop") == passes {
				total++
			}
			w.advance(10 * time.Second)
		}
		if total != 310 {
			t.Errorf("%s: %d in December", modeWords[mode], total)
		}
		if got := w.burst(400, "shop", s)[passes]; got != 310 {
			t.Errorf("%s: %d in January", modeWords[mode], got)
		}
	}
}

func TestQuotaWeight(t *testing.T) {
	for _, mode := range []Mode{Local, Exact, Reconciled} {
		w := newWorld(t)
		o := options(mode, 50)
		o.Weight = 7
		s := w.worker(o, memstore.New(nil))
		if got := w.burst(30, "shop", s); got[passes] != 7 {
			t.Errorf("%s: %v", modeWords[mode], got)
		}
	}
}
