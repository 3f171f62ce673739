package engine

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/usage"
)

// The attributes in which an admitted request's allowances wait for the host to
// put them into its response: the values of RateLimit and RateLimit-Policy. The
// filter itself is not called for responses, which would cost every request a
// callback.
const (
	attributeRateLimit       = "sallyport.ratelimit"
	attributeRateLimitPolicy = "sallyport.ratelimit_policy"
)

// OnLog records the call: its end is known now. A request that was never
// decided is not a call, and is counted by Close.
func (s *Stream) OnLog() {
	if s.recorded || s.engine.usage == nil || s.phase != admitted && s.phase != refused {
		return
	}
	s.recorded = true
	c := usage.Call{
		Allowed:  s.phase == admitted,
		Answered: s.replied,
		Reason:   s.reason,
		Party:    s.party(),
		KeyID:    s.exchange.Caller.KeyID,
		Status:   s.answered,
		Now:      s.exchange.Now,
	}
	if c.Status == 0 {
		c.Status = s.engine.host.ResponseStatus()
	}
	if c.Allowed {
		c.Now = s.engine.host.NowNanos()
		c.Latency = time.Duration(max(c.Now-s.began, 0))
	}
	s.engine.usage.Record(&c)
}

// describe tells the host's access log what is known about a decided request.
func (s *Stream) describe(allowed bool) {
	if s.engine.config == nil || len(s.engine.config.Usage.Attributes) == 0 {
		return
	}
	v := usage.Facts{Allowed: allowed, Answered: s.replied, Reason: s.reason, Party: s.party(), KeyID: s.exchange.KeyOwner.KeyID}
	if s.exchange.Token != nil {
		v.Subject = s.exchange.Token.Subject
	}
	for _, a := range s.engine.config.Usage.Attributes {
		if name, value := v.Describe(a); value != "" {
			s.engine.host.SetAttribute(name, value)
		}
	}
}

func (s *Stream) party() usage.Party {
	x := &s.exchange
	return usage.Party{App: x.KeyOwner.App, Product: x.Caller.Product, API: x.API.Name, Version: x.API.Version}
}

// tellAllowances passes on what the limits have left for the client, if steps
// said so.
func (s *Stream) tellAllowances() {
	if len(s.exchange.Allowances) == 0 {
		return
	}
	var limits, policies, comma string
	for i := range s.exchange.Allowances {
		a := &s.exchange.Allowances[i]
		limits += comma + denial.RateLimitItem(a.Limit.Name, a.Remaining, a.Seconds)
		policies += comma + a.Limit.Policy
		comma = ", "
	}
	tell := s.engine.config.RateLimitHeaders
	if tell.RateLimit {
		s.engine.host.SetAttribute(attributeRateLimit, limits)
	}
	if tell.Policy {
		s.engine.host.SetAttribute(attributeRateLimitPolicy, policies)
	}
}
