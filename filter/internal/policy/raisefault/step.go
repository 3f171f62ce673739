// Package raisefault implements the step raise_fault, Apigee's RaiseFault, and
// the faults of a configuration, which put refusals in the operator's own form.
package raisefault

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

type step struct{ shape *denial.Shape }

// New makes the step that refuses every request that reaches it, in a shape
// with a status.
func New(shape *denial.Shape) pipeline.Step { return &step{shape} }

// Name implements pipeline.Step.
func (s *step) Name() string { return "raise_fault" }

// Apply implements pipeline.Step.
func (s *step) Apply(*pipeline.Exchange) pipeline.Outcome {
	return pipeline.Deny(denial.Denial{Reason: denial.FaultRaised, Shape: s.shape})
}

// Faults has the shapes of refusals, by their reason.
type Faults struct {
	shapes [denial.ReasonCount]*denial.Shape
	next   *Faults // for reasons that it has none for; nil for none
}

// Rule gives a reason a shape, unless it has one: of several rules for a
// reason, the first counts.
func (f *Faults) Rule(r denial.Reason, s *denial.Shape) {
	if f.shapes[r] == nil {
		f.shapes[r] = s
	}
}

// Before returns faults that fall back to others for reasons for which they
// have no shape. Both may be nil.
func (f *Faults) Before(others *Faults) *Faults {
	if f == nil {
		return others
	}
	return &Faults{shapes: f.shapes, next: others}
}

// Shape implements pipeline.Shaper. A refusal that has a shape keeps it.
func (f *Faults) Shape(_ *pipeline.Exchange, d *denial.Denial) {
	for at := f; d.Shape == nil && at != nil; at = at.next {
		if int(d.Reason) < len(at.shapes) {
			d.Shape = at.shapes[d.Reason]
		}
	}
}

// Reasons gives the reasons that a word means: one of them, or with "*" at its
// end all that begin with it, as in "token.*" and "*".
func Reasons(word string) (reasons []denial.Reason) {
	group, isGroup := "", word == "*"
	if n := len(word); n > 2 && word[n-2:] == ".*" {
		group, isGroup = word[:n-1], true
	}
	for i := range denial.ReasonCount {
		r := denial.Reason(i)
		if name := r.String(); name == word || isGroup && len(name) > len(group) && name[:len(group)] == group {
			reasons = append(reasons, r)
		}
	}
	return reasons
}

var _ pipeline.Shaper = (*Faults)(nil)
