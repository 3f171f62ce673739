package condition

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// guarded is a step that is meant for some requests only.
type guarded struct {
	pipeline.Step
	when Condition
}

// Guard leaves the step out for requests for which the condition does not hold,
// and refuses those for which that is unclear.
func Guard(s pipeline.Step, when Condition) pipeline.Step { return &guarded{s, when} }

// Apply implements pipeline.Step.
func (g *guarded) Apply(x *pipeline.Exchange) pipeline.Outcome {
	switch g.when.Judge(x) {
	case Holds:
		return g.Step.Apply(x)
	case HoldsNot:
		return pipeline.Continue()
	}
	return pipeline.DenyFor(denial.ConditionUnclear)
}
