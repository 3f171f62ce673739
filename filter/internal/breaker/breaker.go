package breaker

import "time"

// The bounds of what a record may hold, for all options that may share it.
const (
	MaxOpenFor = 5 * time.Minute
	MaxWindow  = time.Minute
)

// Breaker says when to stop calling a server that fails. The zero value never
// stops.
type Breaker struct {
	// Failures in a row open it, of as many tokens.
	Failures int
	// So do FailurePercent or more failures among at least MinCalls calls of
	// one Window. A token's second failure does not count as a call here.
	FailurePercent int
	MinCalls       int
	Window         time.Duration // up to MaxWindow
	// OpenFor is how long it stays open at first, LongestOpen at most: each
	// probe that fails doubles the time. Half of it is random.
	OpenFor     time.Duration
	LongestOpen time.Duration // up to MaxOpenFor
}

func (b *Breaker) enabled() bool { return b.Failures > 0 }

// Ending is how a call ended. The zero value says nothing about the server.
type Ending uint8

const (
	// Lost: the call was never made, for a fault of ours.
	Lost Ending = iota
	// Answered: the server works, whatever it said about the token or about us.
	Answered
	// Limited: the server works, and wants fewer calls.
	Limited
	// Failed: the server was asked and did not do its work. Perhaps it cannot
	// do it for this token only, so a token's failure counts once.
	Failed
	// Down: the server was not asked, as it could not be reached. That has
	// nothing to do with the token, so it counts each time.
	Down
)

// admit grants a permit for a call about a token, or says why not and for how
// long. A token that failed as a probe before stands back for another one, so
// that the server's trouble with that token keeps nobody else out; but not for
// ever, as it may be the only one in use.
func (r *record) admit(now int64, m Mark, o *Options) (p Permit, cause Cause, wait int64) {
	r.forgetImpossible(now)
	if r.heldUntil > now {
		return Permit{}, Held, r.heldUntil - now
	}
	if o.Breaker.enabled() && r.mode != closed {
		if r.until > now {
			return Permit{}, Open, r.until - now
		}
		again := r.failing.has(m)
		if from := r.until + int64(o.Breaker.OpenFor); again && from > now {
			return Permit{}, Open, from - now
		}
		r.era++
		r.mode, r.until = halfOpen, now+int64(o.Lease)
		r.failing.add(m) // until it is answered: the probe may be lost
		return Permit{second: r.flights.take(now, o.Lease), era: r.era, mark: m, probe: true, again: again}, granted, 0
	}
	places := o.MaxInFlight
	if r.slowStart > 0 {
		places = min(places, int(r.slowStart))
	}
	if r.flights.count(now) >= places {
		return Permit{}, Full, int64(fullRetry)
	}
	return Permit{second: r.flights.take(now, o.Lease), era: r.era, mark: m}, granted, 0
}

// done takes back a permit and draws the conclusions. hold is for Limited. A
// call that began before the breaker last changed says nothing about the time
// after.
func (r *record) done(p Permit, now int64, e Ending, hold time.Duration, o *Options, random uint64) {
	r.forgetImpossible(now)
	r.flights.release(p.second)
	if e == Limited {
		r.heldUntil = max(r.heldUntil, now+int64(min(hold, MaxHold)))
		r.slowStart = 1
	}
	if p.era != r.era || !o.Breaker.enabled() {
		if e == Answered && r.mode == closed {
			r.speedUp(o)
		}
		return
	}
	if r.mode == closed {
		r.note(now, e, p.mark, o, random)
		return
	}
	switch {
	case e == Answered, e == Limited: // the probe
		r.close(o)
	case e == Failed && p.again: // no news: the next probe is another token's
		r.shut(now, int64(o.Breaker.OpenFor), random)
	case e == Failed, e == Down:
		r.open(now, &o.Breaker, random)
	default: // it was not sent: the next one may come as soon as it could at first
		if !p.again {
			r.failing.drop(p.mark)
		}
		r.reopened = 0
		r.open(now, &o.Breaker, random)
	}
}

// note counts a call that ended while the breaker was closed.
func (r *record) note(now int64, e Ending, m Mark, o *Options, random uint64) {
	if e != Answered && e != Failed && e != Down {
		return
	}
	if now >= r.windowEnd {
		r.windowEnd, r.calls, r.failed = now+int64(o.Breaker.Window), 0, 0
		if r.inARow == 0 { // else they have counted in a row that is not over yet
			r.failing = marks{}
		}
	}
	if e == Failed && !r.failing.counts(m) {
		return
	}
	r.calls++
	if e == Answered {
		r.inARow = 0
		r.speedUp(o)
		return
	}
	r.failed++
	r.inARow++
	r.speedUp(o) // the token may come again at once: leave a place for others
	b := &o.Breaker
	if int(r.inARow) >= b.Failures || int(r.calls) >= b.MinCalls && uint64(r.failed)*100 >= uint64(r.calls)*uint64(b.FailurePercent) {
		r.failing = marks{} // from now on those of probes
		r.open(now, b, random)
	}
}

// speedUp allows one more call in flight, for each that was answered or whose
// failure counts, until all places may be used again: each round of answers
// doubles what the server has to do, as in TCP's slow start.
func (r *record) speedUp(o *Options) {
	if r.slowStart == 0 {
		return
	}
	if r.slowStart++; int(r.slowStart) >= o.MaxInFlight {
		r.slowStart = 0
	}
}

// open holds back all calls for a time of which half is random, so that
// gateways that saw the same outage do not come back together.
func (r *record) open(now int64, b *Breaker, random uint64) {
	full := int64(b.OpenFor)
	for range r.reopened {
		if full >= int64(b.LongestOpen) {
			break
		}
		full *= 2
	}
	r.shut(now, min(full, int64(b.LongestOpen)), random)
	if r.reopened < maxReopened {
		r.reopened++
	}
}

// shut holds back all calls for half of a time and a random part of the other
// half.
func (r *record) shut(now, full int64, random uint64) {
	half := uint64(full) / 2
	r.era++
	r.mode, r.until = open, now+int64(half)+int64(random%(half+1))
}

// maxReopened is enough doublings for any time to reach its bound.
const maxReopened = 32

// close lets calls through again.
func (r *record) close(o *Options) {
	r.mode, r.until, r.reopened = closed, 0, 0
	r.inARow, r.windowEnd, r.calls, r.failed, r.failing = 0, 0, 0, 0, marks{}
	if !o.AtOnce {
		r.slowStart = 1
	}
}

// forgetImpossible drops moments that are further ahead than any that could
// have been noted: the clock went back.
func (r *record) forgetImpossible(now int64) {
	for _, m := range [...]struct {
		moment  *int64
		longest time.Duration
	}{{&r.until, MaxOpenFor}, {&r.heldUntil, MaxHold}, {&r.windowEnd, MaxWindow}, {&r.warnedUntil, MaxHold}} {
		if *m.moment > now+int64(m.longest) {
			*m.moment = 0
		}
	}
}
