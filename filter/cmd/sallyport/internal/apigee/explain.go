package apigee

import (
	"net/url"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/condition"
)

// Request is a request to explain. Names of headers are in lower case; of
// several with the same name the first counts, as in Apigee.
type Request struct {
	Method, Path, Query string
	Headers             map[string]string
}

// Passage is a policy on a request's way through Apigee's flows.
type Passage struct {
	Flow   string `json:"flow"`
	Policy string `json:"policy"`
	Type   string `json:"type"`
	Runs   string `json:"runs"` // yes, no, or perhaps when its condition looks at what is not known
	// Steps are the steps of the sequence, counted from 0, that were made from
	// it.
	Steps []int `json:"steps"`
}

// Explain gives the policies that a request meets, in Apigee's order; ok is
// false when it matches no base path of the proxy.
func (r *Result) Explain(q Request) (passages []Passage, ok bool) {
	var found *api
	for _, a := range r.apis {
		base := strings.TrimSuffix(a.base, "/")
		if rest, below := strings.CutPrefix(q.Path, base); below && (rest == "" || rest[0] == '/') && (found == nil || len(a.base) > len(found.base)) {
			found = a
		}
	}
	if found == nil {
		return nil, false
	}
	names := []string{"no", "perhaps", "yes"}
	value := found.variables(q)
	for _, v := range found.visits {
		truth := condition.No
		if !v.policy.Off {
			truth = min(condition.Judge(v.own, value), condition.Judge(v.before, value))
		}
		p := Passage{Flow: v.flow, Policy: v.policy.Name, Type: v.policy.Type, Runs: names[truth], Steps: []int{}}
		for n, s := range found.steps {
			if s.policy == v.policy.Name && (s.visit == "" || s.visit == noteKey(v)) {
				p.Steps = append(p.Steps, n)
			}
		}
		passages = append(passages, p)
	}
	return passages, true
}

// variables are the flow variables that come with a request.
func (a *api) variables(q Request) func(string) (string, bool, bool) {
	parameters, err := url.ParseQuery(q.Query)
	return func(name string) (text string, null, known bool) {
		lower := strings.ToLower(name)
		switch lower {
		case "request.verb", "message.verb":
			return q.Method, false, true
		case "request.path", "message.path":
			return q.Path, false, true
		case "proxy.pathsuffix":
			return strings.TrimPrefix(q.Path, strings.TrimSuffix(a.base, "/")), false, true
		case "proxy.basepath":
			return a.base, false, true
		}
		for _, message := range []string{"request.", "message."} {
			if header, ok := strings.CutPrefix(lower, message+"header."); ok && !strings.Contains(header, ".") {
				v, there := q.Headers[header]
				v, _, _ = strings.Cut(v, ",")
				return strings.TrimSpace(v), !there, true
			}
			if prefix := message + "queryparam."; strings.HasPrefix(lower, prefix) && err == nil {
				parameter := name[len(prefix):]
				return parameters.Get(parameter), !parameters.Has(parameter), !strings.Contains(parameter, ".")
			}
		}
		return "", false, false
	}
}
