package pipeline

// Then holds what a step lets through to a check of what is known by then.
func Then(s Step, check func(*Exchange) Outcome) Step { return then{s, check} }

type then struct {
	Step
	check func(*Exchange) Outcome
}

func (t then) Apply(x *Exchange) Outcome {
	return t.Step.Apply(x).mapped(func(x *Exchange, o Outcome) Outcome {
		if !o.Continues() {
			return o
		}
		return t.check(x)
	}, x)
}

// DryRun lets every request pass the step and records the reason for which it
// would have been refused: in the log and the metric only.
func DryRun(s Step) Step { return dryRun{s} }

type dryRun struct{ Step }

func (d dryRun) Apply(x *Exchange) Outcome {
	return d.Step.Apply(x).mapped(func(x *Exchange, o Outcome) Outcome {
		if refusal, ok := o.Denial(); ok {
			x.DryRun = append(x.DryRun, refusal.Reason)
		}
		return Continue()
	}, x)
}

// ContinueOnError is the operator's choice to let a request pass when the step
// could not be carried out (Apigee's continueOnError). What the request itself
// did wrong is refused as ever.
func ContinueOnError(s Step) Step { return continueOnError{s} }

type continueOnError struct{ Step }

func (c continueOnError) Apply(x *Exchange) Outcome {
	return c.Step.Apply(x).mapped(func(x *Exchange, o Outcome) Outcome {
		if refusal, ok := o.Denial(); ok && refusal.Reason.Technical() {
			x.Overridden = append(x.Overridden, refusal.Reason)
			return Continue()
		}
		return o
	}, x)
}
