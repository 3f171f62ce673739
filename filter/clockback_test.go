package main_test

import (
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
)

// settable is a clock that can be set, as an operator or NTP does it.
type settable struct {
	*hostsim.FakeClock
	now time.Time
}

func (c *settable) Now() time.Time { return c.now }

// TestClockBack: the compiled module, in two workers, after the clock was set. Who has spent the burst of 10 waits for
// the 100 ms of one request and no longer, and nobody gets a burst for it.
func TestClockBack(t *testing.T) {
	for _, step := range []time.Duration{0, -time.Second, -30 * time.Second, -59 * time.Second, -61 * time.Second, -time.Hour, time.Hour} {
		for _, per := range []string{"", ", per: client_ip"} {
			clock := &settable{FakeClock: hostsim.NewFakeClock(hostsim.DefaultStart), now: hostsim.DefaultStart}
			g := start(t, module(t), configuration(t, "- spike_arrest: {rate: 10ps, burst: 10"+per+"}"), hostsim.WithClock(clock), hostsim.WithWorkers(2))
			passed := func() (n int) {
				for i := range 20 {
					if g.passes(i % 2) {
						n++
					}
				}
				return n
			}
			if got := passed(); got != 10 {
				t.Fatalf("%d of 20 admitted, want the burst of 10", got)
			}
			clock.now = clock.now.Add(step)
			want := 0
			if step > 0 {
				want = 10
			}
			if got := passed(); got != want {
				t.Errorf("set by %v%s: %d admitted at once, want %d", step, per, got, want)
			}
			if step > 0 { // and back
				clock.now = clock.now.Add(-step)
				if got := passed(); got != 0 {
					t.Errorf("set by %v and back%s: %d admitted at once, want none", step, per, got)
				}
			}
			for range 3 {
				clock.now = clock.now.Add(100 * time.Millisecond)
				if got := passed(); got != 1 {
					t.Errorf("set by %v%s: %d admitted 100 ms later, want 1", step, per, got)
				}
			}
		}
	}
}
