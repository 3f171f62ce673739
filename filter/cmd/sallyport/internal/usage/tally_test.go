package usage

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// period is the hour after noon.
var period = Period{From: noon, Until: noon.Add(time.Hour)}

type sample struct {
	minute float64 // after noon
	value  float64
}

func tallyOf(p Period, samples []sample) Tally {
	var t Tally
	for _, s := range samples {
		t.Add(p, noon.Add(time.Duration(s.minute*float64(time.Minute))), s.value)
	}
	return t
}

func TestTally(t *testing.T) {
	for _, tt := range []struct {
		name    string
		samples []sample
		calls   float64
		late    float64
		resets  int
		last    float64 // minute; -1 for none
	}{
		{"nothing", nil, 0, 0, 0, -1},
		{"first scraped with five", []sample{{10, 5}, {20, 5}}, 5, 0, 0, 10},
		{"known before the period", []sample{{-5, 100}, {10, 100}, {20, 103}}, 3, 0, 0, 20},
		{"at the very beginning is before", []sample{{0, 100}, {10, 101}}, 1, 0, 0, 10},
		{"all before", []sample{{-5, 100}, {30, 100}}, 0, 0, 0, -1},
		{"a reset begins at nothing", []sample{{-5, 100}, {10, 2}, {20, 3}}, 3, 0, 1, 20},
		{"a reset to nothing", []sample{{-5, 100}, {10, 0}, {20, 3}}, 3, 0, 1, 20},
		{"second half", []sample{{10, 1}, {30, 2}, {31, 4}, {59, 7}}, 7, 5, 0, 59},
		{"after the period", []sample{{10, 1}, {61, 9}}, 1, 0, 0, 10},
		{"twice the same time", []sample{{10, 1}, {10, 1}, {5, 9}, {20, 2}}, 2, 0, 0, 20},
		{"what no counter can have", []sample{{10, 1}, {11, math.NaN()}, {12, math.Inf(1)}, {13, -1}, {20, 2}}, 2, 0, 0, 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := tallyOf(period, tt.samples)
			last := -1.0
			if !got.Last.IsZero() {
				last = got.Last.Sub(noon).Minutes()
			}
			if got.Calls != tt.calls || got.Late != tt.late || got.Resets != tt.resets || last != tt.last {
				t.Errorf("calls %v, late %v, resets %d, last %v; want %v, %v, %d, %v", got.Calls, got.Late, got.Resets, last, tt.calls, tt.late, tt.resets, tt.last)
			}
		})
	}
}

// TestTallyOfAnyHistory: whatever the scrapes and restarts, the tally is what was called in the period, less what came
// between a process's last scrape and its end, as long as each restart can be seen.
func TestTallyOfAnyHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tally Tally
		at := noon.Add(-30 * time.Minute)
		var counter, scraped, want float64 // scraped: what the last sample said
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			at = at.Add(time.Duration(rapid.IntRange(1, 300).Draw(t, "seconds")) * time.Second)
			counter += float64(rapid.IntRange(0, 5).Draw(t, "calls"))
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 && scraped > 0 {
				counter = float64(rapid.IntRange(0, int(scraped)-1).Draw(t, "after")) // fewer, so that it can be seen
				if at.After(period.From) && !at.After(period.Until) {
					want += counter
				}
			} else if at.After(period.From) && !at.After(period.Until) {
				want += counter - scraped
			}
			scraped = counter
			tally.Add(period, at, counter)
			if rapid.Bool().Draw(t, "again") {
				tally.Add(period, at, counter) // two queries meet at one sample
			}
		}
		if tally.Calls != want || tally.Late > tally.Calls {
			t.Fatalf("calls %v, late %v, want %v", tally.Calls, tally.Late, want)
		}
	})
}
