package decode

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// texts are near misses: digits, signs and units in about the right places.
func near(pattern string) *rapid.Generator[string] { return rapid.StringMatching(pattern) }

func TestParseTimeReadsWhatTimeParseReads(t *testing.T) {
	Shapes := []*rapid.Generator[string]{
		near(`[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{0,10})?(Z|[+-][0-2][0-9]:[0-6][0-9])`),
		near(`[0-9]{3,5}-[0-9]{1,2}-[0-9]{1,2}[Tt ][0-9:]{4,9}[.,0-9]{0,4}[Zz+-]?[0-9:]{0,6}`),
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(Shapes...).Draw(t, "text")
		want, err := time.Parse(time.RFC3339, s)
		got, ok := parseTime(s)
		if ok && (err != nil || got != want.Unix()) {
			t.Fatalf("parseTime(%q) = %d, time.Parse: %v, %v", s, got, want, err)
		}
		// time.Parse is the laxer one: it takes more digits, a comma, and a zone a
		// whole day away.
		_, zone := want.Zone()
		if !ok && err == nil && want.Year() > 1 && max(zone, -zone) < 24*3600 && len(s) <= len("2006-01-02T15:04:05.999999999+07:00") && s == want.Format(time.RFC3339Nano) {
			t.Fatalf("parseTime refuses %q, the shortest form of %v", s, want)
		}
	})
}

func TestParseTime(t *testing.T) {
	for s, want := range map[string]string{
		"2027-05-01T00:00:00Z":           "2027-05-01T00:00:00Z",
		"2024-02-29T23:59:59Z":           "2024-02-29T23:59:59Z",
		"2027-05-01T01:00:00+02:00":      "2027-04-30T23:00:00Z",
		"2027-05-01T00:00:00.123456789Z": "2027-05-01T00:00:00Z",
		"2027-05-01T00:00:00.999999999Z": "2027-05-01T00:00:00Z",
		"0001-01-01T00:00:00Z":           "0001-01-01T00:00:00Z",
		"2000-02-29T00:00:00-23:59":      "2000-02-29T23:59:00Z",
		"9999-12-31T23:59:59Z":           "9999-12-31T23:59:59Z",
		"0000-01-01T00:00:00Z":           "", "1900-02-29T00:00:00Z": "", "2027-04-31T00:00:00Z": "",
		"2023-02-29T00:00:00Z": "", "2027-13-01T00:00:00Z": "", "2027-00-01T00:00:00Z": "", "2027-05-00T00:00:00Z": "",
		"2027-05-01T24:00:00Z": "", "2027-05-01T00:60:00Z": "", "2027-05-01T00:00:60Z": "", "2027-05-01T00:00:00": "", "2027-05-01": "",
		"2027-05-01T00:00:00.Z": "", "2027-05-01T00:00:00.1234567890Z": "", "2027-05-01T00:00:00+2:00": "", "2027-05-01T00:00:00+24:00": "", "": "",
	} {
		got, ok := parseTime(s)
		if ok != (want != "") || ok && time.Unix(got, 0).UTC().Format(time.RFC3339) != want {
			t.Errorf("parseTime(%q) = %d, %v; want %q", s, got, ok, want)
		}
	}
}

func TestParseDurationReadsWhatTimeParseDurationReads(t *testing.T) {
	shape := near(`([0-9]{0,10}(\.[0-9]{0,10})?(h|m|s|ms|us|ns|d|))?([0-9]{1,3}(\.[0-9]{1,3})?(h|m|s|ms))?`)
	rapid.Check(t, func(t *rapid.T) {
		s := shape.Draw(t, "text")
		want, err := time.ParseDuration(s)
		got, ok := parseDuration(s)
		if ok && (err != nil || (got-want).Abs() > 1) { // a fraction of a nanosecond may be cut elsewhere
			t.Fatalf("parseDuration(%q) = %v, time.ParseDuration: %v, %v", s, got, want, err)
		}
		if !ok && err == nil && want <= maxDuration && s == want.String() {
			t.Fatalf("parseDuration refuses %q", s)
		}
	})
}

func TestParseDuration(t *testing.T) {
	for s, want := range map[string]time.Duration{"2s": 2 * time.Second, "250ms": 250 * time.Millisecond, "1.5s": 1500 * time.Millisecond, "1m30s": 90 * time.Second,
		"0": 0, "0s": 0, "1h": time.Hour, "": -1, "s": -1, "2": -1, "2 s": -1, "-2s": -1, "+2s": -1, "2S": -1, "1.s": -1, ".5s": -1, "9999999999s": -1, "999999999h": -1, "1001h": -1} {
		got, ok := parseDuration(s)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("parseDuration(%s) = %v, %v; want %v", fmt.Sprintf("%q", s), got, ok, want)
		}
	}
}

// TestParseTimeKnowsEveryDay goes through four centuries and a bit.
func TestParseTimeKnowsEveryDay(t *testing.T) {
	for day := time.Date(1899, 12, 31, 0, 0, 0, 0, time.UTC); day.Year() < 2302; day = day.AddDate(0, 0, 1) {
		if got, ok := parseTime(day.Format(time.RFC3339)); !ok || got != day.Unix() {
			t.Fatalf("parseTime(%v) = %d, %v; want %d", day, got, ok, day.Unix())
		}
	}
}
