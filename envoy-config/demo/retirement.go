package demo

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// period is how far a verdict looks back.
type period struct {
	ID, Label string
	Length    time.Duration
}

// periods are those that the page Usage offers; the last is the one that a
// version must have been unused for in practice, and the default.
var periods = []period{
	{"minute", "1 minute", time.Minute},
	{"hour", "1 hour", time.Hour},
	{"month", "30 days", 30 * 24 * time.Hour},
}

// periodOf is the period with this id, the longest when there is none.
func periodOf(id string) period {
	if i := slices.IndexFunc(periods, func(p period) bool { return p.ID == id }); i >= 0 {
		return periods[i]
	}
	return periods[len(periods)-1]
}

// seen is the period asked for, and the time that the counters cover.
type seen struct {
	period  period
	covered time.Duration
}

// The verdicts on a version.
const (
	inUse    = "in use"
	mayGo    = "may be retired"
	notKnown = "not known"
)

// retirement says whether one version of an API may be retired.
type retirement struct {
	API     string   `json:"api"`
	Version string   `json:"version"`
	Callers []string `json:"callers"` // the apps that called it in the period, let through or refused
	State   string   `json:"state"`   // inUse, mayGo or notKnown
	Verdict string   `json:"verdict"`
}

// caller is an app that called a version of an API.
type caller struct{ api, version, app string }

// retirements are the verdicts on the versions, each an API's name and version.
// last is when each caller called last; one that is counted but not in it has
// called at an unknown time, and keeps the version alive.
func retirements(versions [][2]string, rows []usageRow, last map[caller]time.Time, now time.Time, s seen) []retirement {
	out := make([]retirement, 0, len(versions))
	for _, version := range versions {
		r := retirement{API: version[0], Version: version[1], Callers: []string{}}
		for _, row := range rows {
			if row.API != r.API || row.Version != r.Version || row.App == "" || slices.Contains(r.Callers, row.App) {
				continue
			}
			if at, ok := last[caller{row.API, row.Version, row.App}]; !ok || now.Sub(at) <= s.period.Length {
				r.Callers = append(r.Callers, row.App)
			}
		}
		switch {
		case len(r.Callers) > 0:
			r.State, r.Verdict = inUse, "In use by "+strings.Join(r.Callers, ", ")+"."
		case s.covered < s.period.Length:
			r.State = notKnown
			r.Verdict = fmt.Sprintf("Not known: only %s of %s have been observed. No app has called it so far.", s.covered.Round(time.Second), s.period.Label)
		default:
			r.State, r.Verdict = mayGo, "May be retired: no app has called it in the last "+s.period.Label+"."
		}
		out = append(out, r)
	}
	return out
}
