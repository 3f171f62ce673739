package config

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/dpop"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection"
)

// Bounds and defaults of introspect_token.dpop.
const (
	// A proof is made for one request and sent at once.
	defaultProofAge = time.Minute
	minProofAge     = time.Second
	maxProofAge     = 5 * time.Minute

	// Clients' clocks are worse than servers'.
	defaultProofSkew = 5 * time.Second
	maxProofSkew     = time.Minute

	// An entry takes 24 bytes, once in a proxy.
	defaultReplayEntries = 1 << 14
	minReplayEntries     = 1 << 10
)

var dpopMembers = members{names: []string{"required", "algorithms", "max_age", "clock_skew", "replay_entries"}}

func (r *reader) dpop(v value, b *introspection.Binding) {
	o := &dpop.Options{
		Algorithms: []jose.Algorithm{jose.ES256, jose.RS256},
		MaxAge:     defaultProofAge, Skew: defaultProofSkew, Entries: defaultReplayEntries,
	}
	r.object(v, &dpopMembers, func(name string, v value) {
		switch name {
		case "required":
			b.Required = r.boolean(v)
		case "algorithms":
			o.Algorithms = r.algorithms(v)
		case "max_age":
			o.MaxAge = r.duration(v, minProofAge, maxProofAge)
		case "clock_skew":
			o.Skew = r.duration(v, 0, maxProofSkew)
		case "replay_entries":
			o.Entries = r.integer(v, minReplayEntries, dpop.MaxEntries)
		}
	})
	b.DPoP = o
}
