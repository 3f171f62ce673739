package config

import (
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/apikey"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/tokenrules"
	"github.com/sallyport-gateway/sallyport/filter/internal/problem"
)

// maxSteps bounds a sequence: each step costs every request.
const maxSteps = 32

// The words of the steps.
const (
	ipAccess        = "ip_access"
	spikeArrest     = "spike_arrest"
	concurrentCalls = "concurrent_calls"
	verifyAPIKey    = "verify_api_key"
	removeAPIKey    = "remove_api_key"
	introspectToken = "introspect_token"
	requireToken    = "require_token"
)

var stepNames = []string{ipAccess, spikeArrest, concurrentCalls, verifyAPIKey, removeAPIKey, introspectToken, requireToken}

// sequence is a configured sequence, before it is built for a VM.
type sequence struct {
	plans []plan
	first int // the first of the APIs that have it, by the catalog's index

	// keyPlaces are the places of all its verify_api_key and remove_api_key
	// steps, each once: what must not reach a backend.
	keyPlaces []apikey.Place
}

// plan is a configured step, before it is built for a VM.
type plan struct {
	name                             string
	enabled, dryRun, continueOnError bool

	build  func(c *catalog.Catalog, p Ports, id string) pipeline.Step
	perAPI bool          // each API has a step of its own
	wait   time.Duration // timeout of the callout that the step makes, 0 for none

	// then is checked of what the step lets through; nil for nothing.
	then func(*pipeline.Exchange) pipeline.Outcome

	needs string // a step that must stand before this one, "" for none
	cause string // what it is that needs it
}

// step builds the step with the wrappers that it was configured with. In dry
// run it records what would have been refused, so a technical fault that
// on_error lets pass is not among that.
func (p *plan) step(c *catalog.Catalog, ports Ports, id string) pipeline.Step {
	step := p.build(c, ports, id)
	if p.then != nil {
		step = pipeline.Then(step, p.then)
	}
	if p.continueOnError {
		step = pipeline.ContinueOnError(step)
	}
	if p.dryRun {
		step = pipeline.DryRun(step)
	}
	return step
}

func (r *reader) sequence(v value) *sequence {
	s := &sequence{}
	r.list(v, maxSteps, func(v value) {
		p := r.plan(v, s)
		if p.build != nil {
			r.checkNeeds(&p, s.plans)
		}
		s.plans = append(s.plans, p)
	})
	s.holdToCatalog()
	return s
}

// holdToCatalog sees to it that token_clients and the scopes of a product rule
// whatever the sequence says: where no require_token stands behind it, the last
// step that learns of a token, or of whose key it has to fit, checks them
// itself. A require_token in dry run refuses nothing, so it is none.
func (s *sequence) holdToCatalog() {
	var token, last *plan
	for i := range s.plans {
		switch p := &s.plans[i]; {
		case !p.enabled:
		case p.name == introspectToken:
			token, last = p, p
		case p.name == verifyAPIKey && token != nil:
			last = p
		case p.name == requireToken && !p.dryRun:
			last = nil
		}
	}
	if last == nil {
		return
	}
	// A step that may let a request pass without a good token leaves none to check.
	excused := token.dryRun || token.continueOnError
	trial := token.dryRun && last != token
	last.then = func(x *pipeline.Exchange) pipeline.Outcome {
		if excused && (x.Token == nil || !x.Token.Active) {
			return pipeline.Continue()
		}
		o := tokenrules.OfCaller(x)
		if d, refused := o.Denial(); trial && refused {
			x.DryRun = append(x.DryRun, d.Reason)
			return pipeline.Continue()
		}
		return o
	}
}

// plan reads {name: options}.
func (r *reader) plan(v value, s *sequence) plan {
	p := plan{enabled: true}
	const wanted = "a step, as in {verify_api_key: {from: [{header: x-api-key}]}}"
	if !v.isObject() {
		r.wrong(v, wanted, "")
		return p
	}
	count := 0
	v.each(func(name string, v value) bool {
		count++
		if count > 1 {
			return false
		}
		i := indexOf(stepNames, name)
		if i < 0 {
			r.problem("must be one of the steps " + strings.Join(stepNames, ", ") + ", got " + problem.Quote(name) + problem.Suggest(name, stepNames))
			return true
		}
		p.name = stepNames[i]
		r.path = append(r.path, frame{name: p.name})
		r.options(v, &p, s)
		r.path = r.path[:len(r.path)-1]
		return true
	})
	if count != 1 {
		r.problem("must have one member, the step's name, with its options below it; several steps are several items of the list")
	}
	return p
}

func (r *reader) options(v value, p *plan, s *sequence) {
	switch p.name {
	case ipAccess:
		r.ipAccess(v, p)
	case spikeArrest:
		r.spikeArrest(v, p)
	case concurrentCalls:
		r.concurrentCalls(v, p)
	case verifyAPIKey:
		r.verifyAPIKey(v, p, s)
	case removeAPIKey:
		r.removeAPIKey(v, p, s)
	case introspectToken:
		r.introspectToken(v, p)
	case requireToken:
		r.requireToken(v, p)
	}
}

// The members of every step. The lists are written out, for what is put together
// at run time costs the guest code.
const (
	enabled = "enabled"
	dryRun  = "dry_run"
	onError = "on_error"
)

func (r *reader) common(name string, v value, p *plan) {
	switch name {
	case enabled:
		p.enabled = r.boolean(v)
	case dryRun:
		p.dryRun = r.boolean(v)
	case onError:
		i, _ := r.word(v, "deny", "continue")
		p.continueOnError = i == 1
	}
}

// checkNeeds looks for the step that p cannot do without. One that is switched
// off teaches p nothing.
func (r *reader) checkNeeds(p *plan, before []plan) {
	if p.needs == "" || !p.enabled {
		return
	}
	disabled := false
	for i := range before {
		if before[i].name == p.needs {
			if before[i].enabled {
				return
			}
			disabled = true
		}
	}
	message := p.cause + " needs " + p.needs + " before it in the sequence"
	if disabled {
		message = p.cause + " needs " + p.needs + " before it, which is switched off; switch it on, or this off as well"
	}
	r.problemAt(p.name, message)
}
