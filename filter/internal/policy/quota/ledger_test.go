package quota

import (
	"math/rand/v2"
	"testing"
)

// counter is the engine: a count that every report adds to.
type counter struct{ count, calls int64 }

func (c *counter) hit(hits, limit int64) reply {
	c.count += hits
	c.calls++
	if c.count > limit {
		return reply{code: codeOverLimit, hasStatus: true}
	}
	return reply{code: codeOK, hasStatus: true, remaining: limit - c.count}
}

// report is a call on its way: counted or not yet, answered or not yet.
type report struct {
	envoy   int
	hits    int64
	counted bool
	r       reply
}

// TestQuotaReconciledBound plays random schedules: Envoys that spend shares, reports
// that are counted and answered late and in any order. What is admitted stays
// within the stated bound, one Envoy alone admits the limit and no more, and there
// are at most as many calls as batches.
func TestQuotaReconciledBound(t *testing.T) {
	const schedules = 20_000
	random := rand.New(rand.NewPCG(1, 2))
	worst := 0.0
	for n := range schedules {
		envoys, limit, batch := 1+random.IntN(4), 1+random.Int64N(300), 1+random.Int64N(20)
		accounts := make([]account, envoys)
		engine := &counter{}
		var flying []report
		total, shared := int64(0), int64(0)
		for range 3000 {
			if k := random.IntN(len(flying) + 2); k < len(flying) {
				f := &flying[k]
				if !f.counted { // reports of one Envoy are counted one after the other, those of others in between
					f.r, f.counted = engine.hit(f.hits, limit), true
					continue
				}
				a := &accounts[f.envoy]
				a.reported(f.hits)
				learn(a, f.r, limit)
				flying = append(flying[:k], flying[k+1:]...)
				continue
			}
			i := random.IntN(envoys)
			a, weight := &accounts[i], 1+random.Int64N(min(3, limit))
			switch a.spendShare(limit, weight, batch) {
			case admitted:
				total, shared = total+weight, shared+weight
			case ask:
				continue // a request that waits: its own call is exact
			}
			if hits := a.takeReport(batch, false, 1, 2); hits > 0 {
				flying = append(flying, report{envoy: i, hits: hits})
			}
		}
		bound := limit + int64(envoys)*2*batch - 1
		if envoys == 1 {
			bound = limit
		}
		if total > bound {
			t.Fatalf("schedule %d: %d Envoys, batch %d: admitted %d of %d, bound %d", n, envoys, batch, total, limit, bound)
		}
		if engine.calls > shared/batch {
			t.Fatalf("schedule %d: %d calls for %d hits in batches of %d", n, engine.calls, shared, batch)
		}
		if over := float64(total-limit) / float64(max(1, bound-limit)); envoys > 1 && over > worst {
			worst = over
		}
	}
	t.Logf("%d schedules: at worst %.0f %% of the stated overshoot", schedules, 100*worst)
	if worst < 0.3 {
		t.Errorf("the schedules do not try the bound: %.2f of it", worst)
	}
}

// learn is what an answer does to an account.
func learn(a *account, r reply, limit int64) {
	if r.code == codeOverLimit {
		a.counted(limit)
		return
	}
	a.counted(limit - r.remaining)
}

func TestQuotaReportsAreNotLost(t *testing.T) {
	a := account{end: 1}
	for range 5 {
		a.spendShare(100, 1, 5)
	}
	if hits := a.takeReport(5, false, 10, 20); hits != 5 || a.flying != 5 || a.unsent != 0 {
		t.Fatalf("took %d: %+v", hits, a)
	}
	a.spendShare(100, 1, 5)
	if hits := a.takeReport(5, true, 19, 30); hits != 0 {
		t.Errorf("a second report of %d flies beside the first", hits)
	}
	if hits := a.takeReport(5, true, 20, 30); hits != 6 {
		t.Errorf("a report that was lost: %d are sent again, want 6", hits)
	}
	a.failed(6)
	if a.unsent != 6 || a.flying != 0 {
		t.Errorf("after a failure: %+v", a)
	}
	if hits := a.takeReport(7, false, 40, 50); hits != 0 {
		t.Errorf("%d are sent though no batch is full", hits)
	}
	if hits := a.takeReport(7, true, 40, 50); hits != 6 {
		t.Errorf("%d are sent when they are due", hits)
	}
	a.reported(6)
	if a.spent() != 0 {
		t.Errorf("after a report: %+v", a)
	}
}

func TestQuotaOwesNoMoreThanItMay(t *testing.T) {
	var a account
	n := 0
	for a.owe(2, 9) {
		n++
	}
	if n != 4 || a.unsent != 8 {
		t.Errorf("owes %d after %d", a.unsent, n)
	}
	if a.owe(0, 100) || a.owe(-5, 100) {
		t.Error("owes nothing, or less")
	}
}

func TestQuotaLooksNoticeAReset(t *testing.T) {
	a := account{known: 50}
	a.counted(20)
	if a.known != 50 {
		t.Errorf("an older answer lowered the count to %d", a.known)
	}
	a.looked(0)
	if a.known != 0 {
		t.Errorf("after a reset %d are known", a.known)
	}
}
