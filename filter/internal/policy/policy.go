// Package policy defines what the configuration needs from a step: each folder
// below it is one or two kinds of steps, each with its decoding and its schema.
package policy

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// Kind is a kind of step. It has no state.
type Kind interface {
	// Decode reads the step's options into a plan.
	Decode(r *decode.Reader, v decode.Value, p *Plan)
}

// Described is what every Kind implements too. Only the command line uses it:
// since nothing in the module does, the linker leaves it out there.
type Described interface {
	// Schema describes the options.
	Schema() *decode.Schema
}

// Knowledge is what steps learn about a request for those after them.
type Knowledge uint8

const (
	// Caller is whose app calls, pipeline.Exchange.Caller.
	Caller Knowledge = 1 << iota
	// Token is what the authorization server says about the token,
	// pipeline.Exchange.Token.
	Token
)

// Plan is a configured step, before it is built for a VM. Decode makes it.
type Plan struct {
	// Build makes the step. If it is nil, the options could not be read, and
	// the configuration is refused.
	Build func(*Site) pipeline.Step

	Wrappers

	// PerAPI gives each API that uses the sequence a step of its own. Without it
	// they share one, and with it what it caches.
	PerAPI bool
	// Wait is the longest that the step waits for a callout, 0 for no callout.
	Wait time.Duration

	// Needs is what a step before this one must provide, 0 for nothing. Cause
	// is the part of the step that needs it, for the problem.
	Needs Knowledge
	Cause string

	// KeyPlaces are where a request may carry an API key, as far as this step
	// knows: what must not reach a backend.
	KeyPlaces []Place
	// OwnHeaders are headers of a request that are the gateway's own because of this
	// step, in lower case: a client's trailer of that name goes no further.
	OwnHeaders []string
	// HoldsToCatalog is for a step that refuses tokens that do not match the
	// app's clients and the product's scopes. If no such step follows one that
	// provides Token, the configuration adds the check.
	HoldsToCatalog bool
}

// Quota is a limit: so many requests in an interval, one of those of the step
// quota. The zero Quota is no limit.
type Quota struct {
	Limit    int64
	Interval uint8
}

// Site is where a step is built: for one VM and, with Plan.PerAPI, for one API.
// Ports have their defaults.
type Site struct {
	Catalog *catalog.Catalog
	Ports   host.Ports
	// ID tells the step from all others of the configuration: its API, when it
	// has one to itself, and its place in the sequence.
	ID string
	// IPv6Prefix is how many bits of an IPv6 address tell clients apart.
	IPv6Prefix int
	// TellAdmitted makes limits say what they have left for an admitted
	// request's client, pipeline.Exchange.Allowances.
	TellAdmitted bool
	// Quotas are the products' own, by the product's name.
	Quotas map[string]Quota
	// KeyPlaces are those of all steps of the sequence, each once.
	KeyPlaces []Place
	// TokenForSome reports that a step of the sequence which provides Token is
	// meant for some requests only.
	TokenForSome bool
}
