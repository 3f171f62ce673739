package condition

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// guarded is a step that is meant only for some requests.
type guarded struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	pipeline.Step
	when    *Condition
	skipper pipeline.Skipper // nil for most steps
}

// Guard skips the step for requests for which the condition does not hold, and
// refuses those for which that is unclear.
func Guard(s pipeline.Step, when *Condition) pipeline.Step {
	g := &guarded{Step: s, when: when}
	g.skipper, _ = s.(pipeline.Skipper)
	if shaper, ok := s.(pipeline.Shaper); ok {
		return &guardedShaper{guarded: g, shaper: shaper}
	}
	return g
}

// guardedShaper shapes the refusals of those requests.
type guardedShaper struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	*guarded
	shaper pipeline.Shaper
}

// Shape implements pipeline.Shaper.
func (g *guardedShaper) Shape(x *pipeline.Exchange, d *denial.Denial) {
	if g.when.Judge(x) == Holds {
		g.shaper.Shape(x, d)
	}
}

// Apply implements pipeline.Step.
func (g *guarded) Apply(x *pipeline.Exchange) pipeline.Outcome {
	switch g.when.Judge(x) {
	case Holds:
		return g.Step.Apply(x)
	case HoldsNot:
		if g.skipper != nil {
			g.skipper.Skipped(x)
		}
		return pipeline.Skip()
	}
	return pipeline.DenyFor(denial.ConditionUnclear)
}
