package breaker

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

// failFor makes so many calls about one token that fail, one after the other, as far as they are let through.
func (w *world) failFor(m Mark, e Ending, calls int) (made int) {
	for range calls {
		if p, _, ok := w.admitFor(0, m); ok {
			made++
			w.done(0, p, e)
		}
	}
	return made
}

// open makes the breaker of the usual options open, by failures of tokens 1 to 3.
func (w *world) open(t testing.TB) {
	t.Helper()
	for m := range Mark(3) {
		w.failFor(m+1, Failed, 1)
	}
	if _, _, ok := w.admitFor(0, 1); ok {
		t.Fatal("the breaker is closed")
	}
}

func TestBreakerFairnessCountsATokenOnce(t *testing.T) {
	for _, tt := range []struct {
		name  string
		play  func(w *world)
		opens bool
	}{
		{"one token, a thousand failures", func(w *world) { w.failFor(1, Failed, 1000) }, false},
		{"one token, over many windows", func(w *world) {
			for range 100 {
				w.failFor(1, Failed, 3)
				w.pass(7 * time.Second)
			}
		}, false},
		{"two tokens by turns", func(w *world) {
			for range 100 {
				w.failFor(1, Failed, 1)
				w.failFor(2, Failed, 1)
			}
		}, false},
		{"three tokens", func(w *world) { w.failFor(1, Failed, 5); w.failFor(2, Failed, 5); w.failFor(3, Failed, 1) }, true},
		{"three tokens over three windows", func(w *world) {
			for m := range Mark(3) {
				w.failFor(m+1, Failed, 1)
				w.pass(11 * time.Second)
			}
			w.pass(-11 * time.Second)
		}, true},
		{"no connection for one token", func(w *world) { w.failFor(1, Down, 3) }, true},
		{"a token that failed does not hide that there is no connection", func(w *world) { w.failFor(1, Failed, 5); w.failFor(1, Down, 2) }, true},
		{"an answer in between", func(w *world) {
			for m := range Mark(3) {
				w.failFor(m+1, Failed, 1)
				w.failFor(100, Answered, 1)
			}
		}, false},
		{"a token that failed does not end a row", func(w *world) {
			w.failFor(1, Failed, 1)
			w.failFor(2, Failed, 1)
			w.failFor(1, Failed, 5)
			w.failFor(3, Failed, 1)
		}, true},
		{"a token that failed before an answer counts in no later row of the window", func(w *world) {
			w.failFor(1, Failed, 1)
			w.failFor(100, Answered, 1)
			w.failFor(1, Failed, 1)
			w.failFor(2, Failed, 1)
			w.failFor(3, Failed, 1)
		}, false},
		{"but in the next window", func(w *world) {
			w.failFor(1, Failed, 1)
			w.failFor(100, Answered, 1)
			w.pass(11 * time.Second)
			for m := range Mark(3) {
				w.failFor(m+1, Failed, 1)
			}
		}, true},
		{"half of all calls are one token's", func(w *world) {
			for i := range Mark(50) {
				w.failFor(1, Failed, 1)
				w.failFor(100+i, Answered, 1)
			}
		}, false},
		{"half of all calls are many tokens'", func(w *world) {
			for i := range Mark(5) {
				w.failFor(100+i, Answered, 1)
				w.failFor(1+i, Failed, 1)
			}
		}, true},
		{"answers and limits", func(w *world) {
			for i := range Mark(50) {
				w.failFor(i, Answered, 1)
				w.failFor(i, Lost, 1)
			}
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(1, usual(), nil)
			tt.play(w)
			if p, _, ok := w.admitFor(0, 200); (!ok || p.Probe()) != tt.opens {
				t.Errorf("another token's call is made: %v, as a probe: %v", ok, p.Probe())
			}
		})
	}
}

// TestBreakerFairnessWithManyFailures: the memory is bounded, and a breaker that wants more failures than it can tell
// tokens apart opens all the same.
func TestBreakerFairnessWithManyFailures(t *testing.T) {
	o := usual()
	o.Breaker.Failures, o.Breaker.MinCalls, o.MaxInFlight = 1000, 1000, 10_000
	w := newWorld(1, o, nil)
	made := 0
	for i := range 10_000 {
		made += w.failFor(Mark(i*7%markBits), Failed, 1)
	}
	t.Logf("opened after %d failures of as many tokens as there are marks, in turn", made)
	if made < 1000 || made > 1000+markBits {
		t.Errorf("opened after %d failures", made)
	}
	w = newWorld(1, o, nil)
	for range 100 {
		for m := range Mark(markBits / 2) {
			w.failFor(m, Failed, 1)
		}
	}
	if _, _, ok := w.admitFor(0, 400); !ok {
		t.Error("256 tokens opened a breaker of 1,000 failures")
	}
}

// TestBreakerFairnessOfProbes: a token at which the server fails may be the probe once in a while, and makes way for any
// other one.
func TestBreakerFairnessOfProbes(t *testing.T) {
	const odd, good = 2, 200
	t.Run("another token's probe closes it", func(t *testing.T) {
		w := newWorld(1, usual(), nil)
		w.open(t)
		w.pass(500 * time.Millisecond)
		if w.failFor(odd, Failed, 1) != 1 {
			t.Fatal("the first probe may be any token's")
		}
		w.pass(time.Second)
		for range 10 {
			w.pass(99 * time.Millisecond)
			if w.failFor(odd, Failed, 1) != 0 {
				t.Fatal("the token that failed as a probe is the next one too")
			}
		}
		if w.failFor(good, Answered, 2) != 2 {
			t.Error("another token is kept out")
		}
	})
	t.Run("an odd token that comes all the time keeps nobody out for longer than open_for", func(t *testing.T) {
		for offset := 0; offset < 20_000; offset += 130 {
			w := newWorld(1, usual(), nil)
			w.random = 1 << 62 // the longest
			w.open(t)
			hammer := func(d time.Duration) {
				for ; d > 0; d -= 10 * time.Millisecond {
					w.failFor(odd, Failed, 1)
					w.pass(10 * time.Millisecond)
				}
			}
			hammer(5*time.Second + time.Duration(offset)*time.Millisecond)
			kept := time.Duration(0)
			for w.failFor(good, Answered, 1) == 0 {
				hammer(10 * time.Millisecond)
				kept += 10 * time.Millisecond
			}
			if kept > usual().Breaker.OpenFor {
				t.Fatalf("after %d ms of it, another token was kept out for %v", offset, kept)
			}
		}
	})
	t.Run("the only token in use is asked about again", func(t *testing.T) {
		w := newWorld(1, usual(), nil)
		w.open(t)
		made := 0
		for range 600 {
			made += w.failFor(odd, Failed, 1)
			w.pass(100 * time.Millisecond)
		}
		t.Logf("%d probes of one token in a minute", made)
		if made < 20 || made > 60 {
			t.Errorf("%d probes in a minute", made)
		}
		for range 30 {
			w.pass(100 * time.Millisecond)
			if w.failFor(odd, Answered, 1) == 1 {
				return
			}
		}
		t.Error("the server works again, and its only token is not asked about")
	})
	t.Run("a probe that is lost makes way too", func(t *testing.T) {
		w := newWorld(2, usual(), nil)
		w.open(t)
		w.pass(500 * time.Millisecond)
		if _, _, ok := w.admitFor(0, odd); !ok {
			t.Fatal("no probe")
		}
		w.pass(usual().Lease)
		if _, _, ok := w.admitFor(0, odd); ok {
			t.Error("the token whose probe was lost is the next one too")
		}
		if p, _, ok := w.admitFor(1, good); !ok || !p.Probe() {
			t.Error("another token is kept out")
		}
	})
	t.Run("an outage lengthens the time as usual", func(t *testing.T) {
		w := newWorld(1, usual(), nil)
		w.open(t)
		for i, want := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second} {
			w.pass(want - 1)
			if w.failFor(Mark(10+i), Failed, 1) != 0 {
				t.Fatalf("a probe before time %d, %v, was over", i, want)
			}
			w.pass(1)
			if w.failFor(Mark(10+i), Failed, 1) != 1 {
				t.Fatalf("no probe after time %d, %v", i, want)
			}
		}
	})
}

// TestBreakerFairnessOnTheWayBack: when calls start again, one at a time, a token at which the server fails does not hold
// the only place.
func TestBreakerFairnessOnTheWayBack(t *testing.T) {
	w := newWorld(1, usual(), nil)
	w.done(0, w.mustAdmit(t, 0), Limited, host.Header{Name: "retry-after", Value: "1"})
	w.pass(time.Second)
	if w.failFor(1, Failed, 1) != 1 {
		t.Fatal("no call")
	}
	if _, _, ok := w.admitFor(0, 1); !ok {
		t.Fatal("no second call about it")
	}
	if _, d, ok := w.admitFor(0, 200); !ok {
		t.Errorf("another token is kept out: %v", d)
	}
}

func TestBreakerFairnessMarks(t *testing.T) {
	if MarkOf("a") == MarkOf("b") || MarkOf("a") != MarkOf(strings.Clone("a")) {
		t.Error("marks do not tell tokens apart")
	}
	var s marks
	for m := range Mark(markBits) {
		if s.has(m) {
			t.Fatalf("%d is there before it came", m)
		}
		s.add(m)
		if !s.has(m) || s.size() != int(m)+1 {
			t.Fatalf("%d is not there, or %d are", m, s.size())
		}
	}
	s.drop(77)
	if s.has(77) || s.size() != markBits-1 {
		t.Error("77 is still there")
	}
}
