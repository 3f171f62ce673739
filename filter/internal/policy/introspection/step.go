// Package introspection asks the authorization server about the bearer token
// of a request (RFC 7662) and keeps what it said for the steps that follow.
package introspection

import (
	"slices"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/fault"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection/outage"
	"github.com/sallyport-gateway/sallyport/filter/internal/secret"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

// Options says whom to ask, as whom, and how long an answer may be believed.
type Options struct {
	Cluster   string // the host's cluster of the authorization server
	Authority string
	Path      string // of the introspection endpoint
	ClientID  string
	Secret    secret.Value
	Timeout   time.Duration // of one call

	// CacheMaxTTL bounds how long a revoked token may go on being accepted; 0
	// switches the cache off.
	CacheMaxTTL  time.Duration
	CacheEntries int // in one VM; 0 switches the cache off

	// Precheck is what a token must be before the server is asked; nil for
	// nothing.
	Precheck *Precheck

	// What to do when the server is in trouble.
	Retry        bool          // send a call again when its connection was refused or reset
	StaleIfError time.Duration // how long an answer goes on being believed when no new one is to be had; 0 not at all
	MaxInFlight  int           // calls of all workers together
	Breaker      outage.Breaker
}

// Ports are what a Step needs of the host.
type Ports struct {
	Store      sharedtable.Store
	Dispatcher pipeline.Dispatcher
	Metrics    pipeline.Metrics
	Warn       func(line string)
	Random     func() uint64
	Host       jose.Host // for the precheck; nil is one that has no functions of its own
}

// Step is one introspect_token step. It owns its flights and its cache, both
// for one VM, and is not safe for concurrent use: a VM is one thread.
type Step struct {
	caller   caller
	keys     keyer
	cache    *cache
	flights  *flights
	stale    staleUse
	precheck *precheck // nil for none
}

// New makes a step.
func New(o Options, p Ports) *Step {
	s := &Step{
		caller:  newCaller(o, p),
		keys:    newKeyer(o),
		cache:   newCache(o.CacheEntries, o.CacheMaxTTL, o.StaleIfError),
		flights: newFlights(o.Timeout),
		stale:   staleUse{metrics: p.Metrics, warn: p.Warn},
	}
	if o.Precheck != nil {
		s.precheck = newPrecheck(*o.Precheck, p)
	}
	return s
}

// Name is the step's word in the configuration.
func (s *Step) Name() string { return "introspect_token" }

// Apply finds the request's token and what the server says of it: from the
// cache, from the call for the same token that is in the air already, or by a
// new call. An inactive token is refused here; everything finer is for
// require_token. What an earlier step of the same kind had learned is forgotten
// first, so a failure that the operator overrides leaves no claims at all.
func (s *Step) Apply(x *pipeline.Exchange) pipeline.Outcome {
	x.Token = nil
	token, reason, ok := bearerToken(x)
	if !ok {
		return pipeline.DenyFor(reason)
	}
	k := s.keys.of(token)
	if claims, ok := s.cache.get(k, x.Now); ok {
		return accept(x, claims)
	}
	if s.precheck == nil {
		return s.ask(x, k, token)
	}
	return s.precheck.apply(x, token, func(x *pipeline.Exchange, _ *pipeline.Claims) pipeline.Outcome {
		return s.ask(x, k, token)
	})
}

// ask joins the call for the token that is in the air, or makes one.
func (s *Step) ask(x *pipeline.Exchange, k key, token string) pipeline.Outcome {
	c, ok := s.flights.find(k, x.Now)
	if ok {
		if c.flight.Waiting() >= maxWaiters {
			return s.refuse(x, k, denialFor(fault.IntrospectionOverloaded))
		}
		return s.await(c)
	}
	if !s.flights.room(x.Now) {
		return s.refuse(x, k, denialFor(fault.IntrospectionOverloaded))
	}
	return s.call(x, k, token)
}

// call starts a new flight. It is noted only when the host has taken the call:
// a call that was refused at once leaves nothing behind that could wait for it.
func (s *Step) call(x *pipeline.Exchange, k key, token string) pipeline.Outcome {
	c := &call{key: k, started: x.Now}
	d, ok := s.caller.ask(token, x.Now, func(now int64, v verdict) { s.land(c, now, v) })
	if !ok {
		return s.refuse(x, k, d)
	}
	s.flights.add(c)
	return s.await(c)
}

// await waits for the call. All who wait get the same verdict, each with a copy
// of the claims.
func (s *Step) await(c *call) pipeline.Outcome {
	return pipeline.Await(&c.flight, func(x *pipeline.Exchange) pipeline.Outcome {
		if c.verdict.claims == nil {
			return s.refuse(x, c.key, c.verdict.denial)
		}
		return accept(x, c.verdict.claims)
	})
}

// refuse is for a request whose token could not be checked now: with what was
// known of it before, if that may be used, it is let through all the same.
func (s *Step) refuse(x *pipeline.Exchange, k key, d fault.Denial) pipeline.Outcome {
	if excusesStale(d.Reason) {
		if claims, ok := s.cache.stale(k, x.Now); ok {
			s.stale.note(d.Reason, x.Now)
			return accept(x, claims)
		}
	}
	return pipeline.Deny(d)
}

// land takes a call's answer to the cache and to every exchange that waits for
// it. A call that was replaced meanwhile may be older than what the cache
// knows, so it speaks to its own waiters only. The waiters are woken whatever
// happens before; the verdict comes last, so that after a panic they find its
// zero value, which denies.
func (s *Step) land(c *call, now int64, v verdict) {
	if c.flight.Landed() {
		return
	}
	defer c.flight.Land()
	latest := s.flights.remove(c)
	if latest && v.claims != nil {
		s.cache.put(c.key, v.claims, now)
	}
	c.verdict = v
}

// accept lets the exchange go on with claims of an active token.
func accept(x *pipeline.Exchange, claims *pipeline.Claims) pipeline.Outcome {
	x.Token = copyOf(claims)
	if !claims.Active {
		return pipeline.DenyFor(fault.TokenInactive)
	}
	return pipeline.Continue()
}

// copyOf keeps what is cached, or shared by many waiters, out of reach of the
// steps of one exchange.
func copyOf(claims *pipeline.Claims) *pipeline.Claims {
	own := *claims
	own.Audience = slices.Clone(claims.Audience)
	own.Scopes = slices.Clone(claims.Scopes)
	return &own
}
