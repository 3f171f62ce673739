package usage

import (
	"math"
	"time"
)

// Tally counts the calls of one series in a period, from the raw samples of its counter. Prometheus's increase() will
// not do: it extrapolates to the ends of the period, and leaves out what a series had when it was first scraped. Here a
// series that is first seen with 5 means 5 calls, since a series is made by its first call; and after a reset all that the
// counter has is new. What was counted between a last scrape and a reset is lost to both: see Coverage.
type Tally struct {
	Calls float64
	Late  float64 // those of the second half of the period
	// Last is when a scrape first saw the latest of the calls; zero when there was none, or it is not known.
	Last   time.Time
	Resets int

	value float64
	at    time.Time
}

// Add takes the samples in the order of their times; one that is not later than the one before is ignored, and so is
// one that no counter can have. Samples before the period only say what the counter began with.
func (t *Tally) Add(p Period, at time.Time, value float64) {
	if !at.After(t.at) || at.After(p.Until) || math.IsNaN(value) || math.IsInf(value, 0) || value < 0 {
		return
	}
	before, reset := t.value, value < t.value
	t.value, t.at = value, at
	if !at.After(p.From) {
		return
	}
	if reset {
		t.Resets++
		before = 0
	}
	calls := value - before
	if calls == 0 {
		return
	}
	t.Calls += calls
	t.Last = at
	if at.Sub(p.From) > p.Until.Sub(p.From)/2 {
		t.Late += calls
	}
}
