package quota

import (
	"strconv"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
)

// terms are a limit: so many hits in an interval. The zero terms admit nothing.
type terms struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	limit    int64
	interval Interval
	rolling  bool // windows begin with the first hit, else with the interval of UTC
	engine   bool // an engine counts, in years of its own

	told *denial.Limit // what clients are told about it
}

// made are the terms of a limit in this step.
func (s *step) made(of Terms) terms {
	interval := Interval(of.Interval)
	told := &denial.Limit{Name: strconv.FormatInt(of.Limit, 10) + "-" + interval.String() + "-" + perWords[s.options.Per]}
	told.Policy = denial.PolicyItem(told.Name, int(of.Limit), int(lengths[interval]))
	return terms{limit: of.Limit, interval: interval, rolling: s.options.Rolling && s.engine == nil, engine: s.engine != nil, told: told}
}

// window is the one that now, in unix seconds, is in. With an engine, one in
// which its year turns is two.
//
//go:noinline
func (t *terms) window(now int64) window {
	if t.rolling {
		return t.interval.rolling(now)
	}
	w := t.interval.calendar(now)
	if turn, ok := t.turn(w); ok && now < turn {
		w.end = turn
	} else if ok {
		w.start = turn
	}
	return w
}

// limitAt is the limit of the window that now, in unix seconds, is in. Of two
// that stand for one, each has a part by its length, and the sum is the limit.
//
//go:noinline
func (t *terms) limitAt(now int64) int64 {
	w := t.interval.calendar(now)
	turn, ok := t.turn(w)
	if !ok {
		return t.limit
	}
	before := int64(uint64(t.limit) * uint64(turn-w.start) / uint64(w.end-w.start))
	if now < turn {
		return before
	}
	return t.limit - before
}

// turn is when the engine's year turns within a window that the engine is given
// by name.
func (t *terms) turn(w window) (at int64, ok bool) {
	if !t.engine || !named(t.interval) {
		return 0, false
	}
	at = (w.end - 1) / secondsPerYear * secondsPerYear
	return at, at > w.start
}

// usable reports whether anything can be decided at now, in unix nanoseconds. The
// latest moment that is believed is the end of the year 2099, which 32 bits hold.
func (t *terms) usable(now int64) bool {
	return t.limit > 0 && t.limit <= MaxLimit && t.interval != None && now > 0 && now <= 4_102_444_800*nanosPerSecond
}
