package quota

import (
	"encoding/binary"

	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

// account is what is known about one party in its current window. All are
// counted in hits, except for the times. The zero account has no window: it is
// vacant.
type account struct {
	end int64 // of the window, in unix seconds
	// known is what was spent for certain: in local mode all of it, else what
	// the engine has counted at least, or would count for this window.
	known int64
	// unsent were admitted here and have not been sent to the engine; flying are
	// being sent.
	unsent, flying int64
	// until is when a report, or a look at what the engine has counted, that did
	// not end is given up, in unix nanoseconds. recheck is the same for when an
	// exhausted account may be looked at again.
	until, recheck int64
}

// MaxLimit bounds limits, in hits: sums of some of them are far from overflow, and
// the engine's numbers have 32 bits.
const MaxLimit = 1_000_000_000

// MaxWeight bounds what one request costs, in hits.
const MaxWeight = 1_000

// maxUnsent bounds what is kept for an engine that does not come back.
const maxUnsent = MaxLimit

// spent is what counts against the limit as far as this Envoy knows.
func (a *account) spent() int64 { return a.known + a.unsent + a.flying }

// enter brings an account into the window that now lies in. A clock that was set
// back forgives nothing: a window that has just begun, as other workers or the
// clock had it, goes on, and what was counted in one that has not begun yet counts
// in the present one. changed tells whether that, or a window that is over, makes
// a difference.
//
//go:noinline
func (a *account) enter(t *terms, now int64) (changed bool) {
	seconds := now / nanosPerSecond
	w := t.window(seconds)
	if a.end <= seconds {
		*a = account{end: w.end}
		return true
	}
	if a.until > now+maxSpan || a.recheck > now+maxSpan {
		a.until, a.recheck = 0, 0
	}
	if a.end <= w.end || !t.rolling && t.window(a.end-1).start <= seconds+smallStep {
		return false
	}
	a.end = w.end
	return true
}

// smallStep is how far a clock may have been set back, in seconds, for the window
// before to be taken for one that goes on. A party is refused for so much longer
// at most.
const smallStep = 60

// longestWindow is longer than any window, in seconds.
const longestWindow = 31*secondsPerDay + smallStep

// bound brings an account of any interval into the present window that lies in
// none which can have begun: the clock was set back.
//
//go:noinline
func (a *account) bound(t *terms, seconds int64) (changed bool) {
	if changed = a.end > seconds+longestWindow; changed {
		a.end = t.window(seconds).end
	}
	return changed
}

const nanosPerSecond = 1_000_000_000

// maxSpan is further ahead than any moment of an account lies, in nanoseconds.
const maxSpan = 60 * nanosPerSecond

// fits reports whether weight more hits are within the limit.
func (a *account) fits(limit, weight int64) bool {
	return weight > 0 && weight <= limit && a.spent() <= limit-weight
}

// The table of a quota. An entry is in use until its party's window ends. Buckets
// are small, as each request reads a whole one and writes it.
const (
	Buckets          = 16_384
	PartiesPerBucket = 3

	entrySize = 8 + 4*4 + 2*8
)

// The first entry of a bucket is its floor: what a party without an entry
// counts as having spent, as it may have had one and lost its place. The others
// are a hash and an account each.
const floorEntry = 0

//go:noinline
func (a *account) decode(e []byte) {
	for i, v := range a.counts() {
		*v = int64(binary.BigEndian.Uint32(e[8+4*i:]))
	}
	a.until = int64(binary.BigEndian.Uint64(e[24:]))
	a.recheck = int64(binary.BigEndian.Uint64(e[32:]))
}

//go:noinline
func (a *account) encode(e []byte, hash uint64) {
	binary.BigEndian.PutUint64(e, hash)
	for i, v := range a.counts() {
		binary.BigEndian.PutUint32(e[8+4*i:], uint32(*v))
	}
	binary.BigEndian.PutUint64(e[24:], uint64(a.until))
	binary.BigEndian.PutUint64(e[32:], uint64(a.recheck))
}

// counts are what has 32 bits: the second in which a window ends, too.
func (a *account) counts() [4]*int64 {
	return [...]*int64{&a.end, &a.known, &a.unsent, &a.flying}
}

// sound reports whether an account can be one.
//
//go:noinline
func (a *account) sound() bool {
	return a.until >= 0 && a.recheck >= 0 && a.known <= 2*MaxLimit && a.unsent <= maxUnsent && a.flying <= maxUnsent
}

// open finds the party's account in a bucket, or makes room for a new one, and
// brings it into the current window. A bucket whose parties are all in use
// loses the one that spent least: the floor remembers how much, until the last
// window of those that were lost ends, and a party without an entry counts as
// having spent as much. So a limit holds whoever comes; when more parties than
// places are in use in one bucket, some are refused early. entry is nil when
// every place holds hits that the engine does not know of yet: nothing may be
// written then. With an engine there is no floor, as the engine has the count.
// With changed the bucket should be written even if nothing is spent.
//
//go:noinline
func open(b sharedtable.Bucket, hash uint64, t *terms, engine bool, now int64) (a account, entry []byte, changed bool) {
	var floor account
	if b.Condition == sharedtable.Damaged && !engine {
		floor = account{end: t.window(now / nanosPerSecond).end, known: MaxLimit}
		floor.encode(b.Entry(floorEntry), 0)
	}
	floor.decode(b.Entry(floorEntry))
	seconds := now / nanosPerSecond
	switch {
	case floor.end <= seconds || !floor.sound():
		floor = account{}
	case floor.bound(t, seconds):
		changed = true
		floor.encode(b.Entry(floorEntry), 0)
	}
	var least account
	for i := 1; i < b.Len(); i++ {
		e := b.Entry(i)
		var have account
		have.decode(e)
		vacant := have.end <= seconds
		if !vacant && binary.BigEndian.Uint64(e) == hash && have.sound() {
			entered := have.enter(t, now)
			return have, e, changed || entered
		}
		switch {
		case vacant:
			if entry == nil || least.end != 0 {
				entry, least = e, account{}
			}
		case have.unsent+have.flying > 0:
		case entry == nil || least.end != 0 && have.known < least.known:
			entry, least = e, have
		}
	}
	if entry == nil {
		return account{}, nil, false
	}
	if least.end != 0 && !engine {
		changed = least.bound(t, seconds) || changed
		floor = account{end: max(floor.end, least.end), known: max(floor.known, least.known)}
		floor.encode(b.Entry(floorEntry), 0)
	}
	a.enter(t, now)
	a.known = floor.known
	return a, entry, changed || b.Condition == sharedtable.Damaged
}
