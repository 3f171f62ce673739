// Package config turns the bytes of a configuration into a validated, compiled
// and immutable Config, or reports everything that is wrong with them at once.
// It is strict: it refuses what it does not know and what is given twice. It
// never shows a secret.
package config

import (
	"strconv"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/identity"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/raisefault"
)

// Problem is one fault of a configuration.
type Problem = decode.Problem

// reader reads a configuration.
type reader struct{ *decode.Reader }

// Env reads a variable of the environment in which the configuration applies.
type Env = decode.Env

// MaxBytes bounds a configuration.
const MaxBytes = decode.MaxBytes

// Config is a configuration, ready for use. It never changes.
type Config struct {
	Format denial.Format
	// GRPCRateLimited is the gRPC status of a request over the rate, 0 for the one
	// that the host makes of 429.
	GRPCRateLimited int

	// RateLimitHeaders says what clients are told about limits.
	RateLimitHeaders RateLimitHeaders

	Catalog  *catalog.Catalog
	Identity identity.Headers

	// NoTrailers are the names, in lower case, that no client's trailer may have:
	// those of Identity, and those in which any sequence looks for an API key or
	// a token.
	NoTrailers []string

	// TrustedHops says where to find the client's address: 0 for what the host
	// says, n for the n-th element from the right of X-Forwarded-For.
	TrustedHops int

	// IPv6Prefix is how many bits of an IPv6 address tell clients apart.
	IPv6Prefix int

	// Faults has the operator's shapes of refusals, including those for which
	// no API is known; nil for none.
	Faults *raisefault.Faults

	Usage Usage

	// Quotas are the products' own, by the product's name.
	Quotas map[string]policy.Quota

	sequences []*sequence          // by the catalog's API index; may be shared
	apiFaults []*raisefault.Faults // of each API's own, likewise; nil for none
}

// RateLimitHeaders are the headers that tell clients about limits: those of
// refusals, and with Admitted those that admitted requests leave for the host
// to put into their responses.
type RateLimitHeaders struct{ RetryAfter, RateLimit, Policy, Admitted bool }

// Omitted names the headers that are switched off.
func (h RateLimitHeaders) Omitted() (names []string) {
	if !h.RetryAfter {
		names = append(names, denial.RetryAfterHeader)
	}
	if !h.RateLimit {
		names = append(names, denial.RateLimitHeader)
	}
	if !h.Policy {
		names = append(names, denial.RateLimitPolicyHeader)
	}
	return names
}

// Load reads a configuration. When there are problems the Config is nil; there
// are at most decode.MaxKept of them, and one more that counts the rest.
func Load(data []byte, env Env) (*Config, []Problem) {
	r := &reader{decode.NewReader(env)}
	root, ok := r.Document(data)
	if !ok {
		return nil, r.Problems.All()
	}
	c := r.root(root)
	if !r.Problems.Empty() {
		return nil, r.Problems.All()
	}
	return c, nil
}

// Sequences builds the sequences for one VM, by the catalog's API index. Each
// API has its own counters; a step that only asks or compares is shared, with
// its cache, by all APIs that use the same sequence of the configuration.
func (c *Config) Sequences(p host.Ports) []*pipeline.Sequence {
	p = p.WithDefaults()
	sequences := make([]*pipeline.Sequence, len(c.sequences))
	made := make([][]built, len(c.sequences)) // for the first API of each sequence
	for i, s := range c.sequences {
		api := c.Catalog.APIAt(i)
		scope := api.Name + "/" + api.Version
		steps := make([]pipeline.Step, 0, len(s.plans))
		var shapers []pipeline.Shaper
		if s.first == i {
			made[i] = make([]built, len(s.plans))
		}
		for j := range s.plans {
			plan := &s.plans[j]
			if plan.Disabled {
				continue
			}
			b := &made[s.first][j]
			if b.step == nil || plan.PerAPI {
				*b = plan.step(&policy.Site{
					Catalog: c.Catalog, Ports: p, ID: scope + "#" + strconv.Itoa(j),
					IPv6Prefix: c.IPv6Prefix, KeyPlaces: s.keyPlaces, TokenForSome: s.tokenForSome, Quotas: c.Quotas,
					TellAdmitted: c.RateLimitHeaders.Admitted,
				})
			}
			steps = append(steps, b.step)
			if b.shaper != nil {
				shapers = append(shapers, b.shaper)
			}
		}
		if faults := c.apiFaults[i].Before(c.Faults); faults != nil {
			shapers = append(shapers, faults)
		}
		sequences[i] = pipeline.NewSequence(steps...).Shaped(shapers...)
	}
	return sequences
}

// LongestWait is the largest timeout of a callout that a sequence can make, 0
// when none makes any.
func (c *Config) LongestWait() time.Duration {
	var longest time.Duration
	for _, s := range c.sequences {
		for i := range s.plans {
			if !s.plans[i].Disabled {
				longest = max(longest, s.plans[i].Wait)
			}
		}
	}
	return longest
}
