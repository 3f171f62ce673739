package config

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/tokenrules"
)

// maxSteps bounds a sequence: each step costs every request.
const maxSteps = 32

// sequence is a configured sequence, before it is built for a VM.
type sequence struct {
	plans []plan
	first int // the first of the APIs that have it, by the catalog's index

	// keyPlaces are the places of all its steps, each once.
	keyPlaces []policy.Place
	// ownHeaders are those of all its steps.
	ownHeaders []string
	// takesToken reports that a step provides a token; tokenForSome: see
	// policy.Site.
	takesToken, tokenForSome bool
}

// plan is a configured step, before it is built for a VM.
type plan struct {
	policy.Plan
	is *step // nil if no step has its name

	// then checks what the step lets through; nil for no check.
	then func(*pipeline.Exchange) pipeline.Outcome
}

// provides reports whether later steps learn something from this one, if it is
// switched on.
func (p *plan) provides(k policy.Knowledge) bool {
	return p.is != nil && p.is.provides&k != 0
}

// built is a step for a VM.
type built struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	step   pipeline.Step
	shaper pipeline.Shaper // nil if it does not shape refusals
}

// step builds the step with the wrappers that it was configured with.
//
//go:noinline
func (p *plan) step(site *policy.Site) (b built) {
	b.step = p.Guard(p.Build(site))
	if !p.DryRun {
		b.shaper, _ = b.step.(pipeline.Shaper)
	}
	if p.then != nil {
		b.step = pipeline.Then(b.step, p.then)
	}
	b.step = p.Wrap(b.step)
	return b
}

func (r *reader) sequence(v decode.Value) *sequence {
	s := &sequence{}
	r.List(v, maxSteps, func(v decode.Value) {
		p := r.plan(v)
		if p.Build != nil {
			r.checkNeeds(&p, s.plans)
		}
		s.plans = append(s.plans, p)
		s.addKeyPlaces(p.KeyPlaces)
		s.ownHeaders = append(s.ownHeaders, p.OwnHeaders...)
		if !p.Disabled && p.provides(policy.Token) {
			s.takesToken, s.tokenForSome = true, s.tokenForSome || p.When != nil
		}
	})
	r.checkSchemes(s)
	s.holdToCatalog()
	return s
}

func (s *sequence) addKeyPlaces(places []policy.Place) {
	for _, place := range places {
		if !place.Listed(s.keyPlaces) {
			s.keyPlaces = append(s.keyPlaces, place)
		}
	}
}

// holdToCatalog makes sure that token_clients and the scopes of a product are
// enforced whatever the sequence says: if no later step holds tokens to the
// catalog, the last step that learns of a token, or of the caller it must
// belong to, checks them itself. A step in dry run refuses nothing, and one
// with a condition not everything, so neither of them counts.
func (s *sequence) holdToCatalog() {
	var token, last *plan
	excused := false // a token may be missing that a step has asked for
	for i := range s.plans {
		switch p := &s.plans[i]; {
		case p.Disabled:
		case p.provides(policy.Token):
			token, last = p, p
			excused = excused || p.DryRun || p.ContinueOnError || p.When != nil
		case p.provides(policy.Caller) && token != nil:
			last = p
		case p.HoldsToCatalog && !p.DryRun && p.When == nil:
			last = nil
		}
	}
	if last == nil {
		return
	}
	trial := token.DryRun && last != token
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
func (r *reader) plan(v decode.Value) (p plan) {
	const wanted = "a step, as in {verify_api_key: {from: [{header: x-api-key}]}}"
	if !v.IsObject() {
		r.Wrong(v, wanted, "")
		return p
	}
	count := 0
	v.Each(func(name string, v decode.Value) bool {
		count++
		if count > 1 {
			return false
		}
		p.is = stepCalled(name)
		if p.is == nil {
			names := stepNames()
			r.Problem("must be one of the steps " + strings.Join(names, ", ") + ", got " + decode.Quote(name) + decode.Suggest(name, names))
			return true
		}
		r.At(p.is.name, func() { p.is.kind.Decode(r.Reader, v, &p.Plan) })
		return true
	})
	if count != 1 {
		r.Problem("must have one member, the step's name, with its options below it; write several steps as several items of the list")
	}
	return p
}

// checkNeeds looks for the steps that p needs. One that is switched off does
// not count.
func (r *reader) checkNeeds(p *plan, before []plan) {
	for _, one := range [...]policy.Knowledge{policy.Caller, policy.Token} {
		if p.Needs&one != 0 && !p.Disabled {
			r.checkNeed(p, one, before)
		}
	}
}

func (r *reader) checkNeed(p *plan, need policy.Knowledge, before []plan) {
	disabled := false
	for i := range before {
		if before[i].provides(need) {
			if !before[i].Disabled {
				return
			}
			disabled = true
		}
	}
	needed := providers(need)
	message := p.Cause + " needs " + needed + " before it in the sequence"
	if disabled {
		message = p.Cause + " needs " + needed + " before it, but that is switched off; switch it on, or switch this off too"
	}
	r.ProblemAt(p.is.name, message)
}

// checkSchemes refuses a key and a token behind the same scheme: each would take
// the other for its own.
func (r *reader) checkSchemes(s *sequence) {
	for _, place := range s.keyPlaces {
		if s.takesToken && place.Header == "authorization" && (place.Scheme == "bearer" || place.Scheme == "dpop") {
			r.Problem("must not take both an API key and a token from the scheme " + place.Scheme + " of the header authorization; put the key in another header, or use another scheme for it, such as ApiKey")
		}
	}
}
