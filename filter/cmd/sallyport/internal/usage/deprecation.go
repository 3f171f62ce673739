package usage

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// Retirement says whether a version may go.
type Retirement string

// The verdicts. Only Safe is good news, and it is said only when the whole period was seen.
const (
	Safe    Retirement = "safe to retire"
	InUse   Retirement = "in use"
	Unknown Retirement = "not known"
)

// Caller is an app that called a version, refused calls included: it has not moved on.
type Caller struct {
	App      string     `json:"app"`
	Calls    uint64     `json:"calls"`  // let through
	Denied   uint64     `json:"denied"` // refused
	PerDay   float64    `json:"per_day,omitempty"`
	Trend    string     `json:"trend,omitempty"` // rising, steady, falling, stopped: the second half of the period against the first
	LastSeen *time.Time `json:"last_seen,omitempty"`

	late, all float64
}

// Deprecation is what is known about the use of one version.
type Deprecation struct {
	API     string     `json:"api"`
	Version string     `json:"version"`
	Verdict Retirement `json:"verdict"`
	// Because are reasons for the verdict, for people.
	Because []string `json:"because"`
	Callers []Caller `json:"callers"`
	// Strangers are refused calls from unidentified callers: they do not keep a version alive.
	Strangers uint64 `json:"strangers"`
	Gaps      []Gap  `json:"gaps"`
}

// Deprecate looks for callers of a version. The version is known when a configuration has it; otherwise there must be a
// trace of it, as a mistyped name has no callers either. Gaps of up to tolerate in total are accepted.
func (r Record) Deprecate(api, version string, known bool, tolerate time.Duration) Deprecation {
	d := Deprecation{API: api, Version: version, Because: []string{}, Callers: []Caller{}, Gaps: r.Coverage.Gaps}
	callers := map[string]*Caller{}
	var hidden uint64
	for _, c := range r.Counts {
		if c.Party == (Party{other, other, other, other}) {
			hidden += uint64(c.Calls)
		}
		if c.API != api || c.Version != version {
			continue
		}
		known = true
		switch {
		case c.Calls == 0:
		case c.App == "" && !c.Allowed:
			d.Strangers += uint64(c.Calls)
		default:
			if callers[c.App] == nil {
				callers[c.App] = &Caller{App: c.App}
			}
			callers[c.App].add(c)
		}
	}
	for _, c := range callers {
		c.describe(r.Period)
		d.Callers = append(d.Callers, *c)
	}
	slices.SortFunc(d.Callers, func(a, b Caller) int { return cmp.Or(cmp.Compare(b.all, a.all), cmp.Compare(a.App, b.App)) })
	d.judge(known, hidden, r.Coverage, tolerate)
	return d
}

func (d *Deprecation) judge(known bool, hidden uint64, c Coverage, tolerate time.Duration) {
	if len(d.Callers) > 0 {
		d.Verdict = InUse
		for _, c := range d.Callers {
			who := "app " + c.App
			if c.App == "" {
				who = "a caller without an app (the API is open)"
			}
			d.Because = append(d.Because, fmt.Sprintf("%s called it: %d let through, %d refused", who, c.Calls, c.Denied))
		}
		return
	}
	d.Verdict = Unknown
	if !known {
		d.Because = append(d.Because, fmt.Sprintf("there is no trace of %s/%s: give the configuration with --file, so that the name can be checked", d.API, d.Version))
	}
	if hidden > 0 {
		d.Because = append(d.Because, fmt.Sprintf("%d calls were counted under %q (usage.max_series), and may belong to it", hidden, other))
	}
	blind := slices.ContainsFunc(c.Gaps, func(g Gap) bool { return g.From.IsZero() })
	if len(c.Gaps) > 0 && (blind || tolerate == 0 || c.Unseen() > tolerate) {
		for _, g := range c.Gaps {
			if g.From.IsZero() {
				d.Because = append(d.Because, g.Why)
			} else {
				d.Because = append(d.Because, "not seen: "+g.String())
			}
		}
	}
	if len(d.Because) == 0 {
		d.Verdict = Safe
		d.Because = append(d.Because, "no app called it in the whole period")
	}
}

func (c *Caller) add(n Count) {
	if n.Allowed {
		c.Calls += uint64(n.Calls)
	} else {
		c.Denied += uint64(n.Calls)
	}
	c.all += n.Calls
	c.late += n.Late
	c.LastSeen = later(c.LastSeen, n.Last)
}

// describe says how often a caller called and what the trend is. A tenth more or less is steady.
func (c *Caller) describe(p Period) {
	if p.From.IsZero() {
		return
	}
	c.PerDay = math.Round(c.all/p.Until.Sub(p.From).Hours()*24*100) / 100
	switch early := c.all - c.late; {
	case c.late == 0:
		c.Trend = "stopped"
	case c.late > early*1.1:
		c.Trend = "rising"
	case c.late < early*0.9:
		c.Trend = "falling"
	default:
		c.Trend = "steady"
	}
}
