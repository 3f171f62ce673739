package demo

import (
	"maps"
	"slices"
	"time"
)

// Bounds of the chart on the page Usage.
const (
	slotLength = 10 * time.Second
	maxSlots   = 30 // 5 minutes
	// maxNames bounds the callers, and the reasons, that are counted separately.
	maxNames = 200
)

// slot is what arrived in one slotLength.
type slot struct {
	At      time.Time      `json:"at"`
	Calls   map[string]int `json:"calls"`   // let through, by app, API and version
	Refused map[string]int `json:"refused"` // by reason
}

// otherNames stands for callers and reasons beyond maxNames.
const otherNames = "others"

// timeline counts requests by the time at which they arrived. The zero value is
// ready for use.
type timeline struct {
	slots []slot // by time; those in which nothing arrived are left out
	last  map[caller]time.Time
	names map[string]bool
}

// add counts a visit. One that is older than all slots, or without a time, is left out.
func (t *timeline) add(v visit) {
	t.called(v)
	at := v.At.Truncate(slotLength)
	i, found := slices.BinarySearchFunc(t.slots, at, func(s slot, at time.Time) int { return s.At.Compare(at) })
	if !found {
		if i == 0 && len(t.slots) == maxSlots {
			return
		}
		t.slots = slices.Insert(t.slots, i, slot{At: at, Calls: map[string]int{}, Refused: map[string]int{}})
		if len(t.slots) > maxSlots {
			t.slots, i = slices.Delete(t.slots, 0, 1), i-1
		}
	}
	if v.Decision == "allow" {
		t.slots[i].Calls[t.name(v.App+", "+v.API+" "+v.Version)]++
		return
	}
	reason := v.Reason
	if reason == "" {
		reason = "no reason"
	}
	t.slots[i].Refused[t.name(reason)]++
}

// called notes when the visit's app called last.
func (t *timeline) called(v visit) {
	who := caller{v.API, v.Version, v.App}
	before, known := t.last[who]
	if v.App == "" || !known && len(t.last) >= maxNames || known && !v.At.After(before) {
		return
	}
	if t.last == nil {
		t.last = map[caller]time.Time{}
	}
	t.last[who] = v.At
}

// name is s, or otherNames when there are too many names already.
func (t *timeline) name(s string) string {
	if t.names[s] {
		return s
	}
	if len(t.names) >= maxNames {
		return otherNames
	}
	if t.names == nil {
		t.names = map[string]bool{}
	}
	t.names[s] = true
	return s
}

// charted returns a copy of the last maxSlots slots until now, including empty
// ones, and when each caller called last.
func (b *visits) charted(now time.Time) ([]slot, map[caller]time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]slot, maxSlots)
	first := now.Truncate(slotLength).Add(-(maxSlots - 1) * slotLength)
	for i := range out {
		out[i] = slot{At: first.Add(time.Duration(i) * slotLength), Calls: map[string]int{}, Refused: map[string]int{}}
	}
	for _, s := range b.chart.slots {
		if i := int(s.At.Sub(first) / slotLength); !s.At.Before(first) && i < maxSlots {
			out[i] = slot{At: out[i].At, Calls: maps.Clone(s.Calls), Refused: maps.Clone(s.Refused)}
		}
	}
	return out, maps.Clone(b.chart.last)
}
