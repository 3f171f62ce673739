package introspection

import (
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

const (
	// maxFlights bounds the calls of one step in flight. Envoy's own bound is
	// 1,024 requests for a cluster and all its workers together.
	maxFlights = 256
	// maxWaiters bounds the exchanges that wait for one call, that is, for one
	// token.
	maxWaiters = 1024
	// staleMargin is how long after the call's own timeout the host is still
	// waited for. After that the next exchange with the token makes a new call:
	// a call whose end is never reported must not lock its token out. It is
	// less than the exchange itself waits, so that a stale answer can still
	// serve it.
	staleMargin = 250 * time.Millisecond
)

// call is one introspection in flight, with those that wait for it.
type call struct {
	key     sharedtable.Key
	valid   span  // of the token, which has passed precheck
	started int64 // unix nanoseconds
	flight  pipeline.Flight
	verdict verdict

	role    role
	renewed int64  // when a holder's lease was last renewed
	token   string // in case a guest has to ask after all
	place   int    // in flights.all
}

// newCall makes a call with a copy of the token: the request's own does not
// outlive the callback, unless the request waits.
func newCall(k sharedtable.Key, valid span, now int64, token string) *call {
	return &call{key: k, valid: valid, started: now, renewed: now, token: strings.Clone(token)}
}

// role is what the other VMs know about a call.
type role uint8

const (
	alone  role = iota // nothing
	holder             // this VM makes it for all
	guest              // another VM makes it
	lost               // this VM made it for all, and another one may make it too
)

// flights are the calls in flight, the latest one for each token.
type flights struct {
	byKey      map[sharedtable.Key]*call
	all        []*call // the same, to iterate over: iterating over a map costs the guest 12 KB of code
	staleAfter time.Duration
}

func newFlights(timeout time.Duration) *flights {
	return &flights{byKey: make(map[sharedtable.Key]*call), staleAfter: timeout + staleMargin}
}

// find gives the call to join, if there is one that may still end.
func (f *flights) find(k sharedtable.Key, now int64) (*call, bool) {
	c, ok := f.byKey[k]
	if !ok || f.stale(c, now) {
		return nil, false
	}
	return c, true
}

// overdue reports, at a tick, whether the call is to be given up. A clock that
// went back hides its age, so its time begins again.
func (f *flights) overdue(c *call, now int64) bool {
	c.started = min(c.started, now)
	return f.stale(c, now)
}

// room reports whether one more call may start. Only when all places are taken
// does it look for calls that were given up.
func (f *flights) room(now int64) bool {
	if len(f.byKey) < maxFlights {
		return true
	}
	for i := len(f.all) - 1; i >= 0; i-- {
		if c := f.all[i]; f.stale(c, now) {
			f.drop(c)
		}
	}
	return len(f.byKey) < maxFlights
}

// add notes a call that the host has taken, in place of a stale one.
func (f *flights) add(c *call) {
	if old, ok := f.byKey[c.key]; ok {
		f.drop(old)
	}
	c.place = len(f.all)
	f.all = append(f.all, c)
	f.byKey[c.key] = c
}

// drop forgets a call; the last one takes its place.
//
//go:noinline
func (f *flights) drop(c *call) {
	last := len(f.all) - 1
	f.all[c.place] = f.all[last]
	f.all[c.place].place = c.place
	f.all[last] = nil
	f.all = f.all[:last]
	delete(f.byKey, c.key)
}

// remove forgets the call and reports whether it was the latest for its token.
func (f *flights) remove(c *call) bool {
	if f.byKey[c.key] != c {
		return false
	}
	f.drop(c)
	return true
}

// stale reports whether the call's end is overdue. A clock that went back
// would hide its age, so that counts as overdue too.
func (f *flights) stale(c *call, now int64) bool {
	age := now - c.started
	return age < 0 || age > int64(f.staleAfter)
}
