// Package introspection asks the authorization server about the bearer token
// of a request (RFC 7662) and keeps what it said for the steps that follow.
package introspection

import (
	"slices"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/fault"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection/jwks"
	"github.com/sallyport-gateway/sallyport/filter/internal/secret"
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
}

// Step is one introspect_token step. It owns its flights and its cache, both
// for one VM, and is not safe for concurrent use: a VM is one thread.
type Step struct {
	request  request
	keys     keyer
	cache    *cache
	flights  *flights
	precheck *precheck // nil for none
	dispatch pipeline.Dispatcher
}

// New makes a step that sends its calls through the dispatcher. The host is for
// the precheck.
func New(o Options, p jwks.Ports, h jose.Host) *Step {
	s := &Step{
		request:  newRequest(o),
		keys:     newKeyer(o),
		cache:    newCache(o.CacheEntries, o.CacheMaxTTL),
		flights:  newFlights(o.Timeout),
		dispatch: p.Dispatcher,
	}
	if o.Precheck != nil {
		s.precheck = newPrecheck(*o.Precheck, p, h)
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
			return pipeline.Deny(denialFor(fault.IntrospectionOverloaded))
		}
		return c.outcome()
	}
	if !s.flights.room(x.Now) {
		return pipeline.Deny(denialFor(fault.IntrospectionOverloaded))
	}
	return s.call(k, token, x.Now)
}

// call starts a new flight. It is noted only when the host has taken the call:
// a call that was refused at once leaves nothing behind that could wait for it.
func (s *Step) call(k key, token string, now int64) pipeline.Outcome {
	c := &call{key: k, started: now}
	refused := s.dispatch(s.request.callout(token), func(now int64, a pipeline.Answer) {
		s.land(c, now, a)
	})
	if refused != pipeline.NoFailure {
		return pipeline.Deny(failureDenial(refused))
	}
	s.flights.add(c)
	return c.outcome()
}

// land takes a call's answer to the cache and to every exchange that waits for
// it. A call that was replaced meanwhile may be older than what the cache
// knows, so it speaks to its own waiters only. The waiters are woken whatever
// happens before; the verdict comes last, so that after a panic they find its
// zero value, which denies.
func (s *Step) land(c *call, now int64, a pipeline.Answer) {
	if c.flight.Landed() {
		return
	}
	defer c.flight.Land()
	latest := s.flights.remove(c)
	v := judge(&a, now)
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
