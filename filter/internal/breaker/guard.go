package breaker

import (
	"encoding/binary"
	"strconv"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/sha256"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

// Role is what a server is to its callers: what the log calls it, and why
// requests that needed it are refused.
type Role struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	Name   string // in the log, after "the"
	Metric string // what the names of its gauges begin with

	Held, Open, Overloaded denial.Reason
}

// Options say which server is guarded, and how. Guards with the same Cluster
// and Authority share what they know.
type Options struct {
	_           [0]func() // not comparable: an unused == costs the guest code
	Role        Role
	Cluster     string
	Authority   string
	MaxInFlight int           // calls of all workers together; 0 lets none through
	Lease       time.Duration // how long a call may be in flight, at most MaxLease
	Breaker     Breaker
	// AtOnce lets all calls through again when the breaker closes, for a server that
	// gets no more of them after an outage than before; without it one at first,
	// and one more for each that was answered.
	AtOnce bool
}

// Guard stands before the calls of one step in one VM. It is not safe for
// concurrent use: a VM is one thread.
type Guard struct {
	options Options
	ports   host.Ports
	table   *sharedtable.Table
	label   string // of metrics
	last    record // as this VM saw it last
	shown   mode   // what this VM last said about the breaker
}

// Permit is the right to make one call. It is given back by Done.
type Permit struct {
	second uint32
	era    uint32
	mark   Mark
	probe  bool
	again  bool // a probe whose token has failed as one before
}

// Probe reports whether the call is there to find out if the server works
// again.
func (p Permit) Probe() bool { return p.probe }

// Cause is why a call is not made.
type Cause uint8

const (
	granted Cause = iota
	// Held: the server answered 429 and said, or is taken to have said, when to
	// come back.
	Held
	// Open: the circuit breaker is open, or a probe is in flight.
	Open
	// Full: all places for calls are taken.
	Full
	// Stateless: the shared record could not be changed.
	Stateless
)

// fullRetry is the time to wait when no place for a call was free: one soon
// will be.
const fullRetry = time.Second

// New makes a guard; the shared record is touched first by Admit.
func New(o Options, p host.Ports) *Guard {
	sum := sha256.Sum256([]byte("sallyport outage record v2\x00" + o.Cluster + "\x00" + o.Authority))
	o.Lease = min(o.Lease, MaxLease)
	return &Guard{
		options: o,
		ports:   p,
		label:   "sp_cluster=" + label(o.Cluster) + "|",
		shown:   nothingShown,
		table: sharedtable.New(p.Store, sharedtable.Layout{
			Name:      "outage/" + strconv.FormatUint(binary.BigEndian.Uint64(sum[:]), 36),
			Buckets:   1,
			Entries:   1,
			EntrySize: recordSize,
		}),
	}
}

// Admit says whether a call about a token may be made at now. With ok every
// permit must come back by Done; one that does not is forgotten when its lease
// is over.
func (g *Guard) Admit(now int64, m Mark) (p Permit, d denial.Denial, ok bool) {
	var cause Cause
	var wait int64
	_, err := g.change(func(r *record) (write bool) {
		p, cause, wait = r.admit(now, m, &g.options)
		return cause == granted
	})
	if err != nil {
		cause, wait = Stateless, int64(fullRetry)
	}
	if cause != granted {
		return Permit{}, g.options.Role.refusal(cause, wait), false
	}
	g.show(now)
	return p, denial.Denial{}, true
}

// Done gives a permit back and says how its call ended. a is the server's
// answer, if it gave one.
func (g *Guard) Done(p Permit, now int64, e Ending, a *host.Answer) {
	var hold time.Duration
	if e == Limited {
		hold = Hold(a, now)
	}
	left, counted := budget{}, false
	if a.Failure == host.NoFailure {
		left, counted = readBudget(a)
	}
	random, warn := uint64(0), false
	if e == Failed || e == Down || e == Lost {
		random = g.ports.Random()
	}
	before, err := g.change(func(r *record) (write bool) {
		r.done(p, now, e, hold, &g.options, random)
		if warn = counted && left.low() && r.warnedUntil <= now; warn {
			r.warnedUntil = now + int64(warnAgain)
		}
		return true
	})
	if counted {
		g.ports.Metrics.Gauge(g.options.Role.Metric+metricRemaining+g.label, left.remaining)
		g.ports.Metrics.Gauge(g.options.Role.Metric+metricLimit+g.label, left.limit)
	}
	if err != nil {
		return
	}
	g.show(now)
	g.tell(before, now)
	if warn {
		g.warn("has only " + decimal(left.remaining) + " of " + decimal(left.limit) + " calls left in its current window")
	}
}

// change runs f on the shared record and gives the record as it was before.
func (g *Guard) change(f func(*record) (write bool)) (before record, err error) {
	var after record
	err = g.table.Update(0, func(b sharedtable.Bucket) bool {
		before = g.last
		if b.Condition == sharedtable.Sound {
			before.decode(b.Entry(0))
		}
		after = before
		if !f(&after) {
			return false
		}
		after.encode(b.Entry(0))
		return true
	})
	if err == nil {
		g.last = after
	}
	return before, err
}

// refusal is what the client is told.
func (r *Role) refusal(c Cause, wait int64) denial.Denial {
	d := denial.Denial{Reason: r.Overloaded, RetryAfterSeconds: max(1, int((wait+int64(time.Second)-1)/int64(time.Second)))}
	switch c {
	case Held:
		d.Reason = r.Held
	case Open:
		d.Reason = r.Open
	}
	return d
}
