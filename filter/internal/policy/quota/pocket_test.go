package quota

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

// largeBatch is one of which VMs take parts to spend by themselves.
const largeBatch = 320

func TestQuotaReconciledLooksSeldom(t *testing.T) {
	w := newWorld(t)
	o := options(Reconciled, 10_000)
	o.Engine.Batch = largeBatch
	one, other := memstore.New(nil), memstore.New(nil)
	workers := []*step{w.worker(o, one), w.worker(o, one), w.worker(o, other)}
	admitted := 0
	for range 3000 {
		for _, s := range workers {
			if w.one(s, "shop") == passes {
				admitted++
			}
		}
	}
	gets, _ := one.Calls()
	if admitted != 9000 || gets > 6000/5 {
		t.Errorf("%d of 9,000 far from the limit, with %d looks for 6,000", admitted, gets)
	}
	for range 3000 {
		for _, s := range workers {
			if w.one(s, "shop") == passes {
				admitted++
			}
		}
	}
	if admitted < 10_000-len(workers) || admitted > 10_000+2*2*largeBatch-1 {
		t.Errorf("%d admitted of 10,000", admitted)
	}
}

// TestQuotaReconciledGivesBack: what a VM took and did not spend is not counted.
func TestQuotaReconciledGivesBack(t *testing.T) {
	w := newWorld(t)
	o := options(Reconciled, 10_000)
	o.Engine.Batch = largeBatch
	s := w.worker(o, memstore.New(nil))
	w.want(w.one(s, "shop"), passes)
	w.advance(time.Hour) // that was another window's
	w.want(w.one(s, "shop"), passes)
	w.want(w.one(s, "shop"), passes)
	for range 10 {
		w.advance(250 * time.Millisecond)
		s.engine.Tick(w.now.UnixNano())
		w.engine.deliver()
	}
	hits := int64(0)
	for _, c := range w.engine.calls {
		hits += c.hits
	}
	if hits != 2 || s.engine.Busy() {
		t.Errorf("%+v, busy %v", w.engine.calls, s.engine.Busy())
	}
}

// TestQuotaReconciledSchedules: whatever the order of requests, ticks and answers,
// and whenever calls fail, the bound holds and every request is counted.
func TestQuotaReconciledSchedules(t *testing.T) {
	const limit, schedules = 2000, 300
	most := 0
	for seed := range uint64(schedules) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := newWorld(t)
		o := options(Reconciled, limit)
		o.Engine.Batch = largeBatch
		o.Engine.OnFailure.Hits = 0
		one, other := memstore.New(nil), memstore.New(nil)
		workers := []*step{w.worker(o, one), w.worker(o, one), w.worker(o, other), w.worker(o, other)}
		admitted := 0
		for range 60 {
			s := workers[r.IntN(len(workers))]
			for range r.IntN(120) {
				p := w.send(s, "shop")
				if p.result() == passes {
					admitted++
				}
			}
			switch r.IntN(4) {
			case 0:
				w.engine.down = r.IntN(3) == 0
				w.engine.deliver()
			case 1:
				w.advance(time.Duration(r.IntN(1500)) * time.Millisecond)
				for _, s := range workers {
					s.engine.Tick(w.now.UnixNano())
				}
			}
		}
		most = max(most, admitted)
		if bound := limit + 2*2*largeBatch - 1; admitted > bound {
			t.Fatalf("seed %d: %d admitted, bound %d", seed, admitted, bound)
		}
		// Nothing that was admitted stays unknown to the engine once it answers.
		w.engine.down = false
		for range 40 {
			w.advance(500 * time.Millisecond)
			for _, s := range workers {
				s.engine.Tick(w.now.UnixNano())
			}
			w.engine.deliver()
		}
		counted := int64(0)
		for _, n := range w.engine.counts {
			counted += n
		}
		if counted < int64(admitted) {
			t.Fatalf("seed %d: the engine has counted %d of %d", seed, counted, admitted)
		}
	}
	t.Logf("%d schedules: at most %d of %d admitted", schedules, most, limit)
}
