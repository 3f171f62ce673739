package introspection

import (
	"math"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection/answers"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection/lease"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

const (
	// leaseTime is how long the other VMs wait for one that they no longer hear
	// from before they ask themselves.
	leaseTime = time.Second
	// renewAfter leaves a host that ticks four times a second three attempts.
	renewAfter = 300 * time.Millisecond
)

// noNews is later than any landing: whoever looks for an answer now has looked
// before.
const noNews = int64(math.MaxInt64)

// shared is what the step has in common with its counterparts in other VMs.
type shared struct {
	_       [0]func() // not comparable: an unused == costs the guest code
	answers *answers.Table
	leases  *lease.Table
	peers   host.Peers
	owner   uint64 // this VM's name for itself
	queue   uint32 // where it is woken, 0 for nowhere
}

// newShared needs no queue: a VM that nobody can wake looks at each tick.
func newShared(o Options, p host.Ports) *shared {
	queue, _ := p.Peers.Queue()
	return &shared{
		answers: answers.New(p.Store, o.SharedEntries), leases: lease.New(p.Store),
		peers: p.Peers, owner: p.Random(), queue: queue,
	}
}

// acquire says who asks about a token; see lease.Table.
func (h *shared) acquire(k sharedtable.Key, now, news int64) lease.Grant {
	return h.leases.Acquire(k, h.owner, h.queue, now, now+int64(leaseTime), news)
}

// landed tells the other VMs how a call ended that this one made for them.
func (h *shared) landed(k sharedtable.Key, now int64, v verdict) {
	end := lease.Failed
	switch {
	case v.claims != nil && v.claims.Active:
		end = lease.Landed
	case v.claims != nil:
		end = lease.Inactive
	}
	for _, queue := range h.leases.Land(k, h.owner, now, end, v.denial) {
		h.peers.Tell(queue, k[:])
	}
}

// said is how a call of another VM ended: the verdict and, when that is an
// active token's, what this step may keep of it.
type said struct {
	verdict
	answer answers.Record
}

// outcome is what has become of a call that another VM makes, since this one
// began to wait for it.
//
// What it landed with is as fresh as if this VM had asked, so it serves those
// who wait even if this step would not keep it, or not for as long.
func (s *Step) outcome(c *call, now int64) (said said, ended, lost bool) {
	st := s.shared.leases.Status(c.key, s.shared.queue, now)
	old := st.Since < c.started
	switch {
	case st.State == lease.Held:
		return said, false, false
	case st.State == lease.Inactive && !old:
		said.claims = inactiveToken
		return said, true, false
	case st.State == lease.Failed && !old:
		said.denial = st.Denial
		return said, true, false
	case st.State == lease.Landed && !old:
		if a, ok := s.shared.answers.Active(c.key, now); ok && a.Stored >= c.started && now < a.Until {
			said.claims = a.Claims
			said.answer = s.lives.limit(a, c.valid)
			return said, true, false
		}
	}
	return said, false, true // the VM has died, or its answer may not be kept
}

// Busy implements host.Background.
func (s *Step) Busy() bool { return len(s.flights.byKey) > 0 }

// Tick implements host.Background: leases are renewed, and calls of other VMs
// are checked, as a message may be lost. A call whose end the host does not
// report is given up, and its lease with it.
func (s *Step) Tick(now int64) {
	for _, c := range append([]*call(nil), s.flights.all...) { // what is done may end calls and start others
		switch {
		case s.flights.byKey[c.key] != c:
		case s.flights.overdue(c, now):
			s.land(c, now, verdict{denial: denialFor(denial.IntrospectionDeadline)})
		case c.role == guest:
			s.lookAfter(c, now)
		case c.role == holder && (now < c.renewed || now-c.renewed >= int64(renewAfter)):
			c.renewed = now
			if !s.shared.leases.Renew(c.key, s.shared.owner, now, now+int64(leaseTime)) {
				c.role = lost
			}
		}
	}
}

// mayKeep reports whether an active answer may be kept, because no other VM can
// have learned better while it was on its way.
func (s *Step) mayKeep(c *call, now int64) bool {
	switch {
	case s.shared == nil:
		return true
	case c.role == holder:
		return s.shared.leases.Owned(c.key, s.shared.owner)
	case c.role == alone:
		_, inactive := s.shared.answers.Inactive(c.key, now, math.MaxInt64)
		return !inactive
	}
	return false
}

// Hear implements host.Background: another VM says that a call has ended. A
// message proves nothing; it only makes this VM look.
func (s *Step) Hear(message []byte, now int64) {
	if s.shared == nil || len(message) != len(sharedtable.Key{}) {
		return
	}
	if c, ok := s.flights.byKey[sharedtable.Key(message)]; ok && c.role == guest {
		s.lookAfter(c, now)
	}
}

// lookAfter sees what has become of a call that another VM makes, and makes it
// when that one does not.
func (s *Step) lookAfter(c *call, now int64) {
	v, ended, lost := s.outcome(c, now)
	if ended {
		if now < v.answer.Until {
			s.cache.put(&entry{Record: v.answer, key: c.key, valid: c.valid, shared: true, checked: now})
		}
		s.settle(c, v.verdict)
		return
	}
	if !lost {
		return
	}
	switch s.shared.acquire(c.key, now, noNews) {
	case lease.Joined:
		return // another one was faster
	case lease.Granted:
		c.role = holder
	default:
		c.role = alone
	}
	c.started, c.renewed = now, now
	if d, ok := s.caller.ask(c.token, now, func(now int64, v verdict) { s.land(c, now, v) }); !ok {
		s.land(c, now, verdict{denial: d})
	}
}

// settle ends a call that another VM made.
func (s *Step) settle(c *call, v verdict) {
	if c.flight.Landed() {
		return
	}
	defer c.flight.Land()
	s.flights.remove(c)
	c.verdict = v
}
