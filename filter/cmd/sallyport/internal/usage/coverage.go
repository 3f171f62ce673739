package usage

import (
	"fmt"
	"slices"
	"time"
)

// freshness is how old the last sample of a living gateway may be: Prometheus's own bound (query.lookback-delta).
const freshness = 5 * time.Minute

// Gap is a time in which calls could have come that no sample shows. Without From and Until it is all time.
type Gap struct {
	Gateway string    `json:"gateway,omitempty"` // empty: all of them
	From    time.Time `json:"from,omitzero"`
	Until   time.Time `json:"until,omitzero"`
	Why     string    `json:"why"`
}

func (g Gap) String() string {
	who := "all gateways"
	if g.Gateway != "" {
		who = g.Gateway
	}
	return fmt.Sprintf("%s, %s to %s (%s): %s", who, clock(g.From), clock(g.Until), g.Until.Sub(g.From).Round(time.Second), g.Why)
}

func clock(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Coverage is how much of a period the samples show.
type Coverage struct {
	Gaps []Gap
	// Notes are further doubts about the numbers.
	Notes []string
}

// Unseen is the time in the gaps, all together.
func (c Coverage) Unseen() time.Duration {
	var sum time.Duration
	for _, g := range c.Gaps {
		sum += g.Until.Sub(g.From)
	}
	return sum
}

// uptimeSlack is how far Envoy's uptime lags (it is set at each flush of its statistics, 5 s) and what clocks differ by.
const uptimeSlack = 10 * time.Second

// watch follows one gateway by its uptime. A counter is lost only with its process, so a gap between scrapes matters only
// when the process ended in it: then the calls since the last scrape are in no sample.
type watch struct {
	first, last    time.Time
	firstStart     time.Time // of the first process
	uptime         time.Duration
	restartedAfter []Gap
}

func (w *watch) add(at time.Time, uptime time.Duration) {
	if !at.After(w.last) {
		return
	}
	start := at.Add(-uptime)
	switch {
	case w.last.IsZero():
		w.first, w.firstStart = at, start
	case uptime < w.uptime || start.After(w.last.Add(uptimeSlack)):
		w.restartedAfter = append(w.restartedAfter, Gap{From: w.last, Until: latest(start, w.last), Why: "restarted: what was counted after the last scrape is lost"})
	}
	w.last, w.uptime = at, uptime
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// coverage puts together what the watches of all gateways say; nil is a gateway that reports no uptime.
func coverage(p Period, gateways map[string]*watch) Coverage {
	c := Coverage{Gaps: []Gap{}, Notes: []string{}}
	if len(gateways) == 0 {
		c.Gaps = []Gap{{From: p.From, Until: p.Until, Why: "no target has " + metricUsage}}
		return c
	}
	first := p.Until
	for name, w := range gateways {
		if w == nil {
			c.Gaps = append(c.Gaps, Gap{name, p.From, p.Until, "has no " + metricUptime + ", so restarts cannot be seen"})
			continue
		}
		if w.first.Before(first) {
			first = w.first
		}
		for _, g := range w.restartedAfter {
			if g.Until.After(p.From) {
				g.Gateway = name
				c.Gaps = append(c.Gaps, g)
			}
		}
		if w.last.Before(p.Until.Add(-freshness)) {
			c.Gaps = append(c.Gaps, Gap{name, w.last, p.Until, "no longer scraped: it may be gone, or running unseen"})
		}
		if w.first.After(p.From) && w.firstStart.Before(p.From) {
			c.Notes = append(c.Notes, fmt.Sprintf("%s has been running since %s and was first scraped at %s: the numbers include what it counted before the period", name, clock(w.firstStart), clock(w.first)))
		}
	}
	if first.After(p.From) {
		c.Gaps = append(c.Gaps, Gap{From: p.From, Until: first, Why: "Prometheus knows nothing about any gateway"})
	}
	slices.SortFunc(c.Gaps, func(a, b Gap) int { return a.From.Compare(b.From) })
	slices.Sort(c.Notes)
	return c
}
