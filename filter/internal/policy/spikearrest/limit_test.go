package spikearrest

import (
	"testing"
	"time"
)

// clock is moved by hand.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{time.Unix(1_800_000_000, 0)} }

func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

// counter is one TAT under a limit.
type counter struct {
	t      *testing.T
	clock  *clock
	limit  limit
	weight int64
	tat    int64
}

func newCounter(t *testing.T, rate string, burst int, weight int64) *counter {
	t.Helper()
	return &counter{t: t, clock: newClock(), limit: newLimit(mustRate(t, rate), burst), weight: weight}
}

func mustRate(t testing.TB, word string) Rate {
	t.Helper()
	r, err := ParseRate(word)
	if err != nil {
		t.Fatalf("rate %q: %v", word, err)
	}
	return r
}

func (c *counter) spend() Decision {
	d := c.limit.allow(c.tat, c.clock.now.UnixNano(), c.weight)
	c.tat = d.newTAT
	return d
}

func (c *counter) wantAllowed(remaining int64) {
	c.t.Helper()
	if d := c.spend(); !d.allowed || d.remaining != remaining || d.retryIn != 0 {
		c.t.Errorf("allowed %v, remaining %d, retry in %v; want allowed with %d remaining", d.allowed, d.remaining, d.retryIn, remaining)
	}
}

func (c *counter) wantDenied(retryIn time.Duration) {
	c.t.Helper()
	before := c.tat
	if d := c.spend(); d.allowed || d.remaining != 0 || d.retryIn != retryIn {
		c.t.Errorf("allowed %v, remaining %d, retry in %v; want denied, retry in %v", d.allowed, d.remaining, d.retryIn, retryIn)
	}
	if c.tat != before {
		c.t.Errorf("a refused message moved the TAT by %v", time.Duration(c.tat-before))
	}
}

// Apigee: with 30pm, a second request inside 2 s fails.
func TestSmoothing(t *testing.T) {
	c := newCounter(t, "30pm", 1, 1)
	c.wantAllowed(0)
	c.wantDenied(2 * time.Second)
	c.clock.advance(2*time.Second - time.Millisecond)
	c.wantDenied(time.Millisecond) // a millisecond shy
	c.clock.advance(time.Millisecond)
	c.wantAllowed(0) // exactly as patient as we are told
	c.clock.advance(time.Hour)
	c.wantAllowed(0) // patience is not saved up
	c.wantDenied(2 * time.Second)
}

func TestBurst(t *testing.T) {
	c := newCounter(t, "10ps", 3, 1)
	c.wantAllowed(2)
	c.wantAllowed(1)
	c.wantAllowed(0)
	c.wantDenied(100 * time.Millisecond)
	c.clock.advance(100 * time.Millisecond)
	c.wantAllowed(0)
	c.wantDenied(100 * time.Millisecond)
	c.clock.advance(250 * time.Millisecond)
	c.wantAllowed(1)
	c.wantAllowed(0)
	c.wantDenied(50 * time.Millisecond)
	c.clock.advance(time.Hour)
	c.wantAllowed(2) // the burst comes back whole, and no more than that
}

// Apigee: rate 10pm and weight 5 make 2 messages a minute.
func TestWeightIsPaidAfterAdmission(t *testing.T) {
	c := newCounter(t, "10pm", 1, 5)
	for range 4 {
		c.wantAllowed(0) // although 5 slots are more than the burst
		c.wantDenied(30 * time.Second)
		c.clock.advance(30 * time.Second)
	}
}

func TestWeightWithBurst(t *testing.T) {
	c := newCounter(t, "10ps", 4, 3)
	c.wantAllowed(1)
	c.wantAllowed(0) // one slot is free: it passes, and owes two
	c.wantDenied(300 * time.Millisecond)
	c.clock.advance(300 * time.Millisecond)
	c.wantAllowed(0)
}

func TestSlotIsRoundedUp(t *testing.T) {
	c := newCounter(t, "7ps", 1, 1)
	c.wantAllowed(0)
	c.wantDenied(142857143) // 1 s / 7 = 142857142.86 ns
}

func TestAbsurdTATs(t *testing.T) {
	for _, tt := range []struct {
		name string
		tat  int64
	}{
		{"end of time", 1<<63 - 1},
		{"negative", -1},
		{"most negative", -1 << 63},
		{"a year ahead", newClock().now.AddDate(1, 0, 0).UnixNano()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCounter(t, "1ps", 5, 2)
			c.tat = tt.tat
			if d := c.spend(); d.allowed || d.retryIn != 2*time.Second {
				t.Fatalf("allowed %v, retry in %v; want denied, retry in 2s", d.allowed, d.retryIn)
			}
			c.clock.advance(2 * time.Second)
			c.wantAllowed(0)
		})
	}
}

func TestNothingIsDecidedWithout(t *testing.T) {
	good := newLimit(mustRate(t, "10ps"), 5)
	now := newClock().now.UnixNano()
	for _, tt := range []struct {
		name        string
		limit       limit
		now, weight int64
	}{
		{"a limit", limit{}, now, 1},
		{"a clock", good, 0, 1},
		{"a clock after 1970", good, time.Time{}.UnixNano(), 1},
		{"a clock before 2117", good, maxNow + 1, 1},
		{"a weight", good, now, 0},
		{"a positive weight", good, now, -1},
		{"a bounded weight", good, now, MaxWeight + 1},
		{"a rate", newLimit(Rate{}, 1), now, 1},
		{"a burst", newLimit(mustRate(t, "10ps"), 0), now, 1},
		{"a bounded burst", newLimit(mustRate(t, "10ps"), MaxBurst+1), now, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := tt.limit.allow(7, tt.now, tt.weight); d.allowed || d.newTAT != 7 {
				t.Errorf("allowed %v, TAT %d; want denied and the TAT left alone", d.allowed, d.newTAT)
			}
		})
	}
	if (Decision{}).allowed {
		t.Error("the zero Decision allows")
	}
}

// The largest numbers that can be configured, at the latest time.
func TestNoOverflow(t *testing.T) {
	l := newLimit(mustRate(t, "1pm"), MaxBurst)
	tat := int64(0)
	for i := range MaxBurst/MaxWeight + 2 {
		d := l.allow(tat, maxNow, MaxWeight)
		if want := i <= (MaxBurst-1)/MaxWeight; d.allowed != want || d.newTAT < maxNow {
			t.Fatalf("message %d: allowed %v with TAT %d, want allowed %v", i, d.allowed, d.newTAT, want)
		}
		tat = d.newTAT
	}
}

func BenchmarkAllow(b *testing.B) {
	l := newLimit(mustRate(b, "200ps"), 20)
	tat, now := int64(0), newClock().now.UnixNano()
	for b.Loop() {
		now += 1_000_000
		tat = l.allow(tat, now, 1).newTAT
	}
}
