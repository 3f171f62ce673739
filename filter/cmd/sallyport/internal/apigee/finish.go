package apigee

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/report"
)

// maxSteps is the filter's bound of a sequence.
const maxSteps = 32

func (a *api) find(name string) int {
	return slices.IndexFunc(a.steps, func(s step) bool { return s.name == name })
}

// arrange brings the steps into an order that the filter accepts and check has
// nothing against. None of the moves lets anybody in: every step must let a
// request pass.
func (a *api) arrange() {
	a.denyLast()
	a.removeKeys()
	if options := a.requireToken(); options != nil {
		at := max(a.find("introspect_token"), a.find("verify_jwt"))
		a.steps = slices.Insert(a.steps, at+1, step{name: "require_token", options: options, policy: a.steps[at].policy})
	}
	a.limitsFirst()
	a.credentialsLast()
	a.quotasBehind()
	if a.find("spike_arrest") < 0 {
		s := step{name: "spike_arrest", options: mapping("rate", runawayRate), comment: "Apigee has no limit here. This one only stops a runaway client: choose yours."}
		at := 0
		if c := a.find("cors"); c == 0 {
			at = 1
		}
		a.steps = slices.Insert(a.steps, at, s)
		a.report.Items = append(a.report.Items, report.Item{Flow: "proxy endpoint " + a.endpoint.Name, Policy: "spike_arrest", Type: "added", File: a.endpoint.File, Line: a.endpoint.Line,
			Outcome: report.Differs, Detail: "Apigee limits nothing here; a limit of " + runawayRate + " was added, against runaway clients"})
	}
	a.squeeze()
}

// denyLast puts one denial at the end for all that deny every request: so none
// gets lost while another is dealt with, and all other steps come before it. A
// fault that Apigee itself raises for every request ends the sequence.
func (a *api) denyLast() {
	var kept []step
	last := step{}
	for _, s := range a.steps {
		always := s.name == "raise_fault" && s.when == nil
		switch {
		case always && memberText(s.options, "reason") == denyReason && last.name == "":
			last = s
		case always && memberText(s.options, "reason") == denyReason:
			if !strings.Contains(last.comment, s.comment) {
				last.comment += "\n" + s.comment
			}
			last.visit = ""
		case always && last.name != "":
			a.steps = append(kept, last)
			return
		case always:
			a.steps = append(kept, s)
			return
		default:
			kept = append(kept, s)
		}
	}
	if last.name != "" {
		kept = append(kept, last)
	}
	a.steps = kept
}

// removeKeys puts remove_api_key after the last verify_api_key, and other
// removals from queries after that.
func (a *api) removeKeys() {
	last := -1
	for i, s := range a.steps {
		if s.name == "verify_api_key" {
			last = i
		}
	}
	if last < 0 {
		return
	}
	behind := []step{{name: "remove_api_key", options: flow(mapping()), policy: a.remover}}
	kept := []step{}
	for i, s := range a.steps {
		if i < last && s.name == "remove_api_key" {
			behind = append(behind, s)
		} else {
			kept = append(kept, s)
		}
	}
	at := slices.IndexFunc(kept, func(s step) bool { return s.name == "verify_api_key" && s.policy == a.steps[last].policy }) + 1
	a.steps = slices.Insert(kept, at, behind...)
}

// limitsFirst moves limits before the authorization server is asked.
func (a *api) limitsFirst() {
	for i := 0; i < len(a.steps); i++ {
		asked := slices.IndexFunc(a.steps, func(s step) bool { return s.name == "introspect_token" || s.name == "verify_jwt" })
		if a.steps[i].name != "spike_arrest" || asked < 0 || i < asked {
			continue
		}
		s := a.steps[i]
		a.steps = slices.Insert(slices.Delete(a.steps, i, i+1), asked, s)
		if per := memberText(s.options, "per"); (per == "app" || strings.HasPrefix(per, "header:")) && (a.find("verify_api_key") < 0 || a.find("verify_api_key") > asked) {
			drop(s.options, "per")
		}
		for n := range a.report.Items {
			if item := &a.report.Items[n]; item.Policy == s.policy && item.Type == "SpikeArrest" && !strings.Contains(item.Detail, "before the token") {
				item.Outcome = report.Differs
				item.Detail = strings.TrimPrefix(item.Detail+"; counted before the token is checked, so that a flood does not reach the authorization server", "; ")
			}
		}
	}
}

// credentialsLast moves steps that remove the Authorization header to after the
// steps that read it. In Apigee those have already taken what they need from
// it.
func (a *api) credentialsLast() {
	last := -1
	for i, s := range a.steps {
		if slices.Contains([]string{"verify_api_key", "introspect_token", "verify_jwt", "require_token"}, s.name) {
			last = i
		}
	}
	for i := last; i >= 0; i-- {
		if s := a.steps[i]; s.name == "set_headers" && touches(s.options, "authorization") {
			a.steps = slices.Insert(slices.Delete(a.steps, i, i+1), last, s)
			last--
		}
	}
}

// touches reports whether a set_headers sets or removes the header.
func touches(options *yaml.Node, header string) bool {
	for i := 0; i+1 < len(options.Content); i += 2 {
		for _, item := range options.Content[i+1].Content {
			if item.Value == header || item.Kind == yaml.MappingNode && memberText(item, "name") == header {
				return true
			}
		}
	}
	return false
}

func memberNode(m *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == name {
			return m.Content[i+1]
		}
	}
	return nil
}

func memberText(m *yaml.Node, name string) string {
	if n := memberNode(m, name); n != nil {
		return n.Value
	}
	return ""
}

// quotasBehind moves quotas to after the steps that find out who calls: so no
// stranger uses up somebody else's quota.
func (a *api) quotasBehind() {
	last := -1
	for i, s := range a.steps {
		if slices.Contains([]string{"verify_api_key", "remove_api_key", "introspect_token", "verify_jwt", "require_token"}, s.name) {
			last = i
		}
	}
	for i := 0; i < last; {
		s := a.steps[i]
		if s.name != "quota" {
			i++
			continue
		}
		a.steps = slices.Insert(slices.Delete(a.steps, i, i+1), last, s)
		last--
		for n := range a.report.Items {
			if item := &a.report.Items[n]; item.Policy == s.policy && item.Type == "Quota" && item.Outcome != report.Denies && !strings.Contains(item.Detail, "refused before") {
				item.Outcome = report.Differs
				item.Detail = strings.TrimPrefix(item.Detail+"; requests that are refused before that, because of their key or token, are not counted", "; ")
			}
		}
	}
}

func drop(m *yaml.Node, name string) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == name {
			m.Content = slices.Delete(m.Content, i, i+2)
			return
		}
	}
}

// squeeze keeps the sequence within the filter's bound.
func (a *api) squeeze() {
	if len(a.steps) <= maxSteps {
		return
	}
	a.closed = true
	a.steps = []step{
		{name: "spike_arrest", options: mapping("rate", runawayRate)},
		denial(fmt.Sprintf("The bundle has %d steps, more than the %d that a sequence can have.", len(a.steps), maxSteps)),
	}
	a.report.Items = append(a.report.Items, report.Item{Flow: "proxy endpoint " + a.endpoint.Name, Policy: "the sequence", Type: "ProxyEndpoint", File: a.endpoint.File, Line: a.endpoint.Line,
		Outcome: report.Denies, Detail: "more steps than a sequence can have; every request of this API is refused", Instead: "several APIs with longer base paths"})
}
