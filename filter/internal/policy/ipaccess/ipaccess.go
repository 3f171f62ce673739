// Package ipaccess implements the step ip_access: Apigee's AccessControl. Rules are tried in their order and the first
// that contains the client's address decides. It differs from Apigee's where that fails open: without a match the
// request is denied unless the operator says otherwise, and only one address is looked at, the one that trusted proxies
// vouch for, never the leftmost of X-Forwarded-For.
package ipaccess

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/ipaddr"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// Rule decides for the addresses of its prefixes. The zero value denies nobody and allows nobody.
type Rule struct {
	Allow    bool
	Prefixes []ipaddr.Prefix
}

// Options are the rules in their order, and what happens to an address that none of them contains. The zero value
// denies all.
type Options struct {
	Rules        []Rule
	AllowNoMatch bool
}

type step struct{ options Options }

// New makes the step.
func New(o Options) pipeline.Step { return &step{o} }

// Name implements pipeline.Step.
func (*step) Name() string { return "ip_access" }

// Apply implements pipeline.Step. An address that is missing or cannot be read is denied whatever the rules say: Apigee
// ignores such a text, and with it its own rules.
func (s *step) Apply(x *pipeline.Exchange) pipeline.Outcome {
	a := x.ClientAddress()
	if !a.Valid() {
		return pipeline.DenyFor(denial.IPAccessNoAddress)
	}
	allowed := s.options.AllowNoMatch
	for _, r := range s.options.Rules {
		if ipaddr.Any(r.Prefixes, a) {
			allowed = r.Allow
			break
		}
	}
	if !allowed {
		return pipeline.DenyFor(denial.IPAccessDenied)
	}
	return pipeline.Continue()
}
