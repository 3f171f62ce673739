package apigee

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/condition"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/proxy"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/report"
)

// The answer where something was not carried over.
const (
	denyStatus = 501
	denyReason = "sallyport.NotCarriedOver"
)

// add appends a step for the visit's condition.
func (a *api) add(v visit, s step, said condition.Said) {
	if !said.Always {
		w := said.When
		s.when = &w
	}
	s.policy, s.visit = v.policy.Name, noteKey(v)
	a.steps = append(a.steps, s)
}

// addLimit adds a limit, or extends the one that was already made from the
// policy to these requests: in Apigee a policy has one count, whichever flows
// it is in.
func (a *api) addLimit(v visit, s step, said condition.Said) {
	for n := range a.steps {
		one := &a.steps[n]
		if one.name != s.name || one.policy != v.policy.Name || !same(one.options, s.options) {
			continue
		}
		one.visit = ""
		if one.when != nil && !said.Always {
			if both, ok := condition.Either(*one.when, said.When); ok {
				one.when = &both
				return
			}
		}
		one.when = nil
		return
	}
	if name := memberNode(s.options, "name"); s.name == "quota" && name != nil {
		for n := 2; slices.ContainsFunc(a.steps, func(other step) bool { return other.name == "quota" && memberText(other.options, "name") == name.Value }); n++ {
			name.Value = fmt.Sprintf("%s-%d", strings.TrimSuffix(name.Value, fmt.Sprintf("-%d", n-1)), n)
		}
	}
	a.add(v, s, said)
}

// same compares the options of two steps.
func same(x, y *yaml.Node) bool {
	one, err := yaml.Marshal(x)
	other, otherErr := yaml.Marshal(y)
	return err == nil && otherErr == nil && string(one) == string(other)
}

func (a *api) say(v visit, o report.Outcome, detail, instead string) {
	item := a.item(v.flow, v.policy, o, detail, instead)
	a.report.Items = append(a.report.Items, item)
}

// deny makes the API refuse requests that meet a policy that is not carried
// over, unless the user has named it harmless.
func (a *api) deny(v visit, why, instead string) {
	if slices.Contains(a.options.Accept, v.policy.Name) {
		a.accepted[v.policy.Name] = true
		a.say(v, report.Dropped, why+"; named harmless with --accept", instead)
		return
	}
	said := v.say(a.context)
	if said.Never {
		a.say(v, report.Dropped, "its condition is never true here", "")
		return
	}
	if said.Always {
		a.closed = true
		why += "; every request of this API is refused there"
	} else {
		why += "; requests that meet it are refused"
	}
	a.add(v, denial("Apigee's "+plainText(v.policy.Type+" "+v.policy.Name)+" is not carried over; see the report before you remove this."), said)
	a.say(v, report.Denies, why, instead)
}

func denial(comment string) step {
	return step{name: "raise_fault", comment: comment, options: mapping("status", denyStatus, "reason", denyReason)}
}

// close denies everything, whatever else the API says.
func (a *api) close(why, what string, at proxy.Place) {
	a.closed = true
	a.steps = append(a.steps, denial("Not carried over: "+why+"."))
	a.report.Items = append(a.report.Items, report.Item{Flow: "proxy endpoint " + a.endpoint.Name, Policy: what, Type: "ProxyEndpoint", File: at.File, Line: at.Line,
		Outcome: report.Denies, Detail: why + "; every request of this API is refused", Instead: "an API for each base path"})
}
