package policy

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/condition"
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// Wrappers are the options of every step. The zero value is the step as it is,
// switched on.
type Wrappers struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	Disabled, DryRun, ContinueOnError bool
	// When says for which requests the step is meant; nil for all.
	When *condition.Condition
}

// wrapperNames are their members, which Options and OptionsSchema add to those
// of a step.
var wrapperNames = []string{"enabled", "dry_run", "on_error", "when"}

// onErrorWords are in the order of ContinueOnError.
var onErrorWords = []string{"deny", "continue"}

// Options reads the options of a step: those of every step by itself, the others
// by member. It reports whether v is an object at all.
//
//go:noinline
func (p *Plan) Options(r *decode.Reader, v decode.Value, m *decode.Members, member func(name string, v decode.Value)) bool {
	all := *m
	all.Common = wrapperNames
	return r.Object(v, &all, func(name string, v decode.Value) {
		switch name {
		case "enabled":
			p.Disabled = !r.Boolean(v)
		case "dry_run":
			p.DryRun = r.Boolean(v)
		case "on_error":
			i, _ := r.Word(v, onErrorWords...)
			p.ContinueOnError = i == 1
		case "when":
			p.When = condition.Decode(r, v)
		default:
			member(name, v)
		}
	})
}

// Guard skips a step for requests that it is not meant for.
func (w *Wrappers) Guard(step pipeline.Step) pipeline.Step {
	if w.When == nil {
		return step
	}
	return condition.Guard(step, w.When)
}

// Wrap puts the others around a step that is guarded. In dry run a step records
// what would have been refused, so a technical fault that on_error lets pass is
// not recorded.
func (w *Wrappers) Wrap(step pipeline.Step) pipeline.Step {
	if w.ContinueOnError {
		step = pipeline.ContinueOnError(step)
	}
	if w.DryRun {
		step = pipeline.DryRun(step)
	}
	return step
}

// OptionsSchema describes what Options reads; of has the step's own members.
func OptionsSchema(m *decode.Members, about string, of decode.Shapes) *decode.Schema {
	s := decode.ObjectSchema(m, about, of)
	s.Properties["enabled"] = decode.BooleanSchema("false leaves the step out.").WithDefault(true)
	s.Properties["dry_run"] = decode.BooleanSchema("Count what would be refused, and let it pass.").WithDefault(false)
	s.Properties["on_error"] = decode.WordSchema("What happens to a request when the step could not be carried out.", onErrorWords...).WithDefault(onErrorWords[0])
	s.Properties["when"] = condition.Reference("Which requests the step is meant for; the others go on to the next step.")
	return s
}
