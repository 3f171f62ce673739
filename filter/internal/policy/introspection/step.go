package introspection

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/breaker"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/dpop"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection/lease"
	"github.com/sallyport-gateway/sallyport/filter/internal/secret"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
	"github.com/sallyport-gateway/sallyport/filter/internal/siphash"
)

// Options says whom to ask, as whom, and how long an answer may be believed.
type Options struct {
	Cluster   string // the host's cluster of the authorization server
	Authority string
	Path      string // of the introspection endpoint
	ClientID  string
	Secret    secret.Value
	Timeout   time.Duration // of one call

	ClientAuth ClientAuth
	Assertion  Assertion // of AuthPrivateKeyJWT

	// CacheMaxTTL bounds how long a revoked token may go on being accepted; 0
	// switches the cache off.
	CacheMaxTTL   time.Duration
	CacheEntries  int           // in one VM; 0 switches the cache off
	SharedEntries int           // in the cache of all VMs; 0 for none
	TTLWithoutExp time.Duration // of an active token that does not say when it expires
	NegativeTTL   time.Duration // of a token that is not active
	RefreshAhead  time.Duration // before an answer ends, a new one is asked for; 0 for not

	Binding Binding

	// Precheck is what a token must be before the server is asked; nil for
	// nothing.
	Precheck *Precheck

	// What to do when the server is in trouble.
	Retry        bool          // send a call again when its connection was refused or reset
	StaleIfError time.Duration // how long an answer is still believed when no new one is available; 0 not at all
	MaxInFlight  int           // calls of all workers together
	Breaker      breaker.Breaker
}

// metricJoined and metricJoinedOther count requests that waited for a call that
// was already in flight: in their own VM, and in another one.
const (
	metricJoined      = "sallyport_introspection_joined.sp_vm=own|"
	metricJoinedOther = "sallyport_introspection_joined.sp_vm=other|"
)

// Step is one introspect_token step. It owns its flights and its cache, both
// for one VM, shares answers with its counterparts, as the package says, and is
// not safe for concurrent use: a VM is one thread.
type Step struct {
	caller   caller
	keys     *keyer
	names    siphash.Key
	cache    *cache
	dead     dead
	lives    lives
	shared   *shared // nil when nothing is
	flights  *flights
	stale    staleUse
	binding  binding
	precheck *precheck     // nil for none
	ahead    time.Duration // 0 for never
	hits     hits
	metrics  host.Metrics
	warn     func(string)
}

// New makes a step.
func New(o Options, p host.Ports) *Step {
	p = p.WithDefaults()
	entries := o.CacheEntries
	if o.CacheMaxTTL <= 0 {
		entries = 0
	}
	s := &Step{
		caller:  newCaller(o, p),
		keys:    newKeyer(o),
		names:   siphash.NewKey(),
		cache:   newCache(entries),
		lives:   lives{maxTTL: o.CacheMaxTTL, withoutExp: o.TTLWithoutExp, negative: o.NegativeTTL, grace: o.StaleIfError},
		flights: newFlights(o.Timeout),
		stale:   staleUse{metrics: p.Metrics, warn: p.Warn},
		binding: newBinding(o.Binding, p),
		ahead:   o.RefreshAhead,
		hits:    newHits(p.Metrics),
		metrics: p.Metrics,
		warn:    p.Warn,
	}
	if entries > 0 && o.SharedEntries > 0 {
		s.shared = newShared(o, p)
	}
	if o.Precheck != nil {
		s.precheck = newPrecheck(*o.Precheck, p)
	}
	p.Peers.Join(s)
	return s
}

// Name is the step's word in the configuration.
func (s *Step) Name() string { return "introspect_token" }

// inquiry is what a request asks about: its token, which has passed this step's
// precheck and is good by itself for so long.
type inquiry struct {
	_          [0]func() // not comparable: an unused == costs the guest code
	key        sharedtable.Key
	credential credential
	valid      span
	name       siphash.Sum // of a Bearer presentation, see byName; zero for none
}

// Apply finds the request's token and what the server says about it: from the
// cache of this VM, from that of all VMs, from the call for the same token that
// is already in flight, in whatever VM, or by a new call. What did not come
// into this VM's cache by this step itself is used only for a token that has
// passed the step's precheck, and no longer than the step allows. An inactive
// token is refused here; everything finer is for require_token. What an earlier
// step of the same kind had learned is forgotten first, so a failure that the
// operator overrides leaves no claims at all.
func (s *Step) Apply(x *pipeline.Exchange) pipeline.Outcome {
	x.Token = nil
	name, e := s.byName(x)
	if e != nil {
		return s.hit(x, nil, e)
	}
	if s.dead.slots != nil && s.isDead(name, x) {
		s.hits.inactive.Add(1)
		s.binding.offer(x)
		return s.binding.accept(x, nil, inactiveToken)
	}
	cred, reason, ok := s.binding.credential(x)
	if !ok {
		return pipeline.DenyFor(reason)
	}
	k := s.keys.of(cred.token)
	if e, ok := s.held(k, x.Now); ok {
		if cred.proof == nil {
			s.cache.rename(e, name)
		}
		return s.hit(x, cred.proof, e)
	}
	if cred.proof != nil {
		name = siphash.Sum{}
	}
	if s.precheck == nil {
		return s.inquire(x, &inquiry{key: k, credential: cred, valid: always, name: name})
	}
	return s.precheck.apply(x, cred.token, func(x *pipeline.Exchange, c *pipeline.Claims) pipeline.Outcome {
		return s.inquire(x, &inquiry{key: k, credential: cred, valid: s.precheck.validity(c), name: name})
	})
}

// hit lets the exchange go on with what this VM knows about its token.
func (s *Step) hit(x *pipeline.Exchange, proof *dpop.Proof, e *entry) pipeline.Outcome {
	s.refreshAhead(e, x, x.Now)
	return s.binding.accept(x, proof, e.Claims)
}

// inquire finds out what the server says about the token.
func (s *Step) inquire(x *pipeline.Exchange, q *inquiry) pipeline.Outcome {
	if claims, ok := s.known(q, x.Now); ok {
		return s.binding.accept(x, q.credential.proof, claims)
	}
	c, flying := s.flights.find(q.key, x.Now)
	switch {
	case flying && c.flight.Waiting() >= maxWaiters, !flying && !s.flights.room(x.Now):
		return s.refuse(x, q, denialFor(denial.IntrospectionOverloaded))
	case flying:
		s.metrics.Count(metricJoined)
	default:
		c = newCall(q.key, q.valid, x.Now, q.credential.token)
		if v, ended := s.begin(c, q); ended {
			return s.conclude(x, q, v)
		}
	}
	return s.await(c, q)
}

// begin has the call made, by this VM or, if it is already in flight, by
// another one. With ended it is over already, and nobody can wait for it: a
// call that was refused at once leaves nothing behind.
func (s *Step) begin(c *call, q *inquiry) (v verdict, ended bool) {
	if s.shared != nil {
		grant := s.shared.acquire(c.key, c.started, c.started)
		if grant == lease.Answered {
			if claims, ok := s.known(q, c.started); ok {
				return verdict{claims: claims}, true
			}
			grant = s.shared.acquire(c.key, c.started, noNews)
		}
		switch grant {
		case lease.Joined:
			c.role = guest
			s.flights.add(c)
			s.metrics.Count(metricJoinedOther)
			return verdict{}, false
		case lease.Granted:
			c.role = holder
		}
	}
	d, ok := s.send(c)
	return verdict{denial: d}, !ok
}

// send makes the call. One that was refused at once leaves nothing behind.
func (s *Step) send(c *call) (d denial.Denial, ok bool) {
	d, ok = s.caller.ask(c.token, c.started, func(now int64, v verdict) { s.land(c, now, v) })
	switch {
	case ok:
		s.flights.add(c)
	case c.role == holder:
		s.shared.landed(c.key, c.started, verdict{denial: d})
	}
	return d, ok
}

// await waits for the call. All who wait get the same verdict, each with a copy
// of the claims.
func (s *Step) await(c *call, q *inquiry) pipeline.Outcome {
	return pipeline.Await(&c.flight, func(x *pipeline.Exchange) pipeline.Outcome {
		return s.conclude(x, q, c.verdict)
	})
}

// conclude is what a verdict means for one exchange.
func (s *Step) conclude(x *pipeline.Exchange, q *inquiry, v verdict) pipeline.Outcome {
	if v.claims == nil {
		return s.refuse(x, q, v.denial)
	}
	return s.binding.accept(x, q.credential.proof, v.claims)
}

// refuse is for a request whose token could not be checked now: if what was
// known about it before may be used, it is let through with that.
func (s *Step) refuse(x *pipeline.Exchange, q *inquiry, d denial.Denial) pipeline.Outcome {
	if excusesStale(d.Reason) {
		if claims, ok := s.lastKnown(q, x.Now); ok {
			s.stale.note(d.Reason, x.Now)
			return s.binding.accept(x, q.credential.proof, claims)
		}
	}
	return pipeline.Deny(d)
}

// land takes a call's answer to the caches and to every exchange that waits for
// it, in whatever VM. A call that was replaced meanwhile may be older than what
// the cache knows, so it speaks only to its own waiters; but that a token is
// not active is believed however late it comes. The waiters are woken whatever
// happens before; the verdict comes last, so that after a panic they find its
// zero value, which denies.
func (s *Step) land(c *call, now int64, v verdict) {
	defer c.flight.Land()
	latest := s.flights.remove(c)
	switch {
	case v.claims == nil:
	case !v.claims.Active, latest && s.mayKeep(c, now):
		s.remember(c, v.claims, now)
	}
	if latest && c.role == holder {
		s.shared.landed(c.key, now, v)
	}
	c.verdict = v
}
