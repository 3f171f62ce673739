package spikearrest

import "time"

// maxNow is the latest clock reading that is believed, in the year 2116: sums
// of it and of any configured times do not overflow.
const maxNow = 1 << 62

// limit is a compiled rate. Times are unix nanoseconds, spans nanoseconds. The
// zero limit denies.
type limit struct {
	slot      int64 // T: what one slot of the burst takes to become free
	tolerance int64 // (burst-1) slots: how far ahead a TAT may lie for a message to pass
}

// newLimit gives the zero limit for what is out of bounds.
func newLimit(r Rate, burst int) limit {
	if r.messages < 1 || r.messages > MaxRate || r.period <= 0 || r.period > time.Minute || burst < 1 || burst > MaxBurst {
		return limit{}
	}
	n := int64(r.messages)
	slot := (int64(r.period) + n - 1) / n
	return limit{slot: slot, tolerance: int64(burst-1) * slot}
}

// Decision is what happens to one message. The zero Decision denies.
type Decision struct {
	allowed bool
	// remaining is how many more messages of weight 1 would pass at once.
	remaining int64
	// retryIn is the time until a message of this caller can pass, if no other
	// does first; positive when denied.
	retryIn time.Duration
	// newTAT is the TAT to keep. When denied it is the one that was given,
	// unless that one could not be real.
	newTAT int64
}

// usable reports whether anything can be decided at now.
func (l limit) usable(now int64) bool { return l.slot > 0 && now > 0 && now <= maxNow }

// furthest is the highest TAT that a message admitted at now can leave behind.
func (l limit) furthest(now, weight int64) int64 { return now + l.tolerance + weight*l.slot }

// allow decides on a message of the given weight that comes at now. A tat of 0
// is that of a caller who was never seen.
func (l limit) allow(tat, now, weight int64) Decision {
	if !l.usable(now) || weight < 1 || weight > MaxWeight {
		return Decision{newTAT: tat}
	}
	if furthest := l.furthest(now, weight); tat < 0 || tat > furthest {
		tat = furthest // the clock was set back, or the TAT was never one
	}
	return l.admit(tat, now, weight)
}

// admit is allow for a tat, a time and a weight that are known to be sound.
func (l limit) admit(tat, now, weight int64) Decision {
	start := max(tat, now)
	if wait := start - now - l.tolerance; wait > 0 {
		return Decision{retryIn: time.Duration(wait), newTAT: tat}
	}
	newTAT := start + weight*l.slot
	free := now + l.tolerance + l.slot - newTAT
	return Decision{allowed: true, remaining: max(0, free/l.slot), newTAT: newTAT}
}
