package quota

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestQuotaWindowsOfTheCalendar(t *testing.T) {
	tests := []struct {
		interval        Interval
		now, start, end string
	}{
		{Minute, "2026-11-29T23:59:59Z", "2026-11-29T23:59:00Z", "2026-11-30T00:00:00Z"},
		{Hour, "2026-11-29T23:00:00Z", "2026-11-29T23:00:00Z", "2026-11-30T00:00:00Z"},
		{Day, "2026-11-29T00:00:00Z", "2026-11-29T00:00:00Z", "2026-11-30T00:00:00Z"},
		{Week, "2026-11-29T23:59:59Z", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"}, // a Sunday
		{Week, "2026-11-30T00:00:00Z", "2026-11-30T00:00:00Z", "2026-12-07T00:00:00Z"},
		{Month, "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		{Month, "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"},
		{Month, "2100-02-28T23:59:59Z", "2100-02-01T00:00:00Z", "2100-03-01T00:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.interval.String()+" "+tt.now, func(t *testing.T) {
			w := tt.interval.calendar(seconds(t, tt.now))
			if w != (window{seconds(t, tt.start), seconds(t, tt.end)}) {
				t.Errorf("got %s to %s", time.Unix(w.start, 0).UTC(), time.Unix(w.end, 0).UTC())
			}
		})
	}
}

func seconds(t *testing.T, at string) int64 {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, at)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Unix()
}

// TestQuotaWindowsAreThoseOfPackageTime compares them with what is too large for
// the guest.
func TestQuotaWindowsAreThoseOfPackageTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := rapid.Int64Range(7*secondsPerDay, 1<<33).Draw(t, "now")
		at := time.Unix(now, 0).UTC()
		first := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
		if w := Month.calendar(now); w != (window{first.Unix(), first.AddDate(0, 1, 0).Unix()}) {
			t.Fatalf("month of %s: %+v", at, w)
		}
		day := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
		monday := day.AddDate(0, 0, -(int(at.Weekday())+6)%7)
		if w := Week.calendar(now); w != (window{monday.Unix(), monday.AddDate(0, 0, 7).Unix()}) {
			t.Fatalf("week of %s: %+v", at, w)
		}
		for _, i := range []Interval{Minute, Hour, Day, Week, Month} {
			w := i.calendar(now)
			if now < w.start || now >= w.end || i.calendar(w.end).start != w.end || i.calendar(w.end-1) != w {
				t.Fatalf("%s of %d: %+v", i, now, w)
			}
		}
	})
}

func TestQuotaWindowsFromTheFirstHit(t *testing.T) {
	for i, want := range map[Interval]int64{Minute: 60, Hour: 3600, Day: 86400, Week: 604800, Month: 2592000} {
		if w := i.rolling(1000); w != (window{1000, 1000 + want}) {
			t.Errorf("%s: %+v", i, w)
		}
	}
	if None.rolling(1000) != (window{}) || None.calendar(1000) != (window{}) || Interval(200).calendar(1000) != (window{}) {
		t.Error("no interval has a window")
	}
}

// TestPresentNeverBelievesACallOfTheLastWindow: the service reads its clock for
// the counter, and again for the reset.
func TestPresentNeverBelievesACallOfTheLastWindow(t *testing.T) {
	minute := terms{limit: 60, interval: Minute}
	for _, tt := range []struct {
		name string
		give reply
		want bool
	}{
		{"of this window", reply{code: codeOverLimit, reset: 60}, true},
		{"asked before it, with a reset of it", reply{code: codeOverLimit, reset: 60, stale: true}, false},
		{"of the last window", reply{code: codeOverLimit, reset: 1}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := minute.present(&tt.give, 1_800_000_000); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
