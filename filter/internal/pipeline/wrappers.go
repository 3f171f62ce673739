package pipeline

// wrapped is a step whose outcome something else may change, now or after a
// flight.
type wrapped struct {
	Step
	end func(*Exchange, Outcome) Outcome
}

func (w *wrapped) Apply(x *Exchange) Outcome { return w.Step.Apply(x).mapped(w.end, x) }

// DryRun lets every request pass the step and records the reason for which it
// would have been refused: in the log and the metric only.
func DryRun(s Step) Step { return &wrapped{s, record} }

func record(x *Exchange, o Outcome) Outcome {
	if refusal, ok := o.Denial(); ok {
		x.DryRun = append(x.DryRun, refusal.Reason)
	}
	if o.Continues() {
		return o
	}
	return Continue()
}

// ContinueOnError is the operator's choice to let a request pass when the step
// could not be carried out (Apigee's continueOnError). What the request itself
// did wrong is refused as usual.
func ContinueOnError(s Step) Step { return &wrapped{s, excuse} }

func excuse(x *Exchange, o Outcome) Outcome {
	if refusal, ok := o.Denial(); ok && refusal.Reason.Technical() {
		x.Overridden = append(x.Overridden, refusal.Reason)
		return Continue()
	}
	return o
}

// Then checks what a step lets through, with what is known by then.
func Then(s Step, check func(*Exchange) Outcome) Step {
	return &wrapped{s, func(x *Exchange, o Outcome) Outcome {
		if !o.Continues() {
			return o
		}
		return check(x)
	}}
}
