package apigee

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/condition"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/proxy"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/report"
)

// maxSteps is the filter's bound of a sequence.
const maxSteps = 32

func (a *api) find(name string) int {
	return slices.IndexFunc(a.steps, func(s step) bool { return s.name == name })
}

// arrange brings the steps into an order that the filter takes and check has
// nothing against. None of the moves lets anybody in: all must let a request pass.
func (a *api) arrange() {
	a.denyLast()
	a.removeKeys()
	if options := a.requireToken(); options != nil {
		at := max(a.find("introspect_token"), a.find("verify_jwt"))
		a.steps = slices.Insert(a.steps, at+1, step{name: "require_token", options: options, policy: a.steps[at].policy})
	}
	a.limitsFirst()
	a.credentialsLast()
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
// is gone while another is dealt with, and the steps of the others stand before
// it. A fault of Apigee's own for every request ends the sequence.
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

// removeKeys puts remove_api_key behind the last verify_api_key, and what else is
// taken off queries behind that.
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
		if memberText(s.options, "per") == "app" && (a.find("verify_api_key") < 0 || a.find("verify_api_key") > asked) {
			drop(s.options, "per")
		}
		for n := range a.report.Items {
			if item := &a.report.Items[n]; item.Policy == s.policy && item.Type == "SpikeArrest" && !strings.Contains(item.Detail, "before the token") {
				item.Outcome = report.Differs
				item.Detail = strings.TrimPrefix(item.Detail+"; counted before the token is looked at, so that a flood does not reach the authorization server", "; ")
			}
		}
	}
}

// credentialsLast moves what takes the Authorization header off behind the steps
// that read it. In Apigee these have taken what they need out of it before.
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

func memberText(m *yaml.Node, name string) string {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == name {
			return m.Content[i+1].Value
		}
	}
	return ""
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
		denial(fmt.Sprintf("The bundle has %d steps, more than the %d that a sequence takes.", len(a.steps), maxSteps)),
	}
	a.report.Items = append(a.report.Items, report.Item{Flow: "proxy endpoint " + a.endpoint.Name, Policy: "the sequence", Type: "ProxyEndpoint", File: a.endpoint.File, Line: a.endpoint.Line,
		Outcome: report.Denies, Detail: "more steps than a sequence takes; every request of this API is refused", Instead: "several APIs with longer base paths"})
}

// faultReasons are the filter's reasons for Apigee's fault names.
var faultReasons = map[string][]string{
	"spikearrestviolation":                   {"spike_arrest.exceeded"},
	"quotaviolation":                         {"quota.exceeded"},
	"failedtoresolveapikey":                  {"api_key.missing"},
	"invalidapikey":                          {"api_key.unknown", "api_key.ambiguous"},
	"apikeynotapproved":                      {"api_key.not_approved"},
	"invalidapikeyforgivenresource":          {"api_key.not_granted"},
	"consumer_key_expired":                   {"api_key.expired"},
	"invalid_client-app_not_approved":        {"app.not_approved"},
	"invalid_access_token":                   {"token.*"},
	"access_token_expired":                   {"token.expired"},
	"invalidaccesstoken":                     {"token.*"},
	"insufficientscope":                      {"token.scope_insufficient"},
	"ipdeniedaccess":                         {"ip_access.*"},
	"executionfailed":                        {"introspection.*"},
	"invalidjsonpath":                        {"introspection.no_active"},
	"invalidtoken":                           {"token.*"},
	"tokenexpired":                           {"token.expired"},
	"invalidapicallasnoapiproductmatchfound": {"api_key.not_granted"},
	"applicationnotfound":                    {"api.unknown"},
	"developerstatusnotactive":               {"app.not_approved"},
	"invalid_request-missing_token":          {"token.missing"},
}

var failedReasons = map[string]string{"ratelimit": "spike_arrest.exceeded", "verifyapikey": "api_key.*", "oauthv2": "token.*", "acl": "ip_access.*", "servicecallout": "introspection.*", "jwt": "token.*"}

// faultRules shape refusals. One that is not carried over lets nobody in.
func (a *api) faultRules() {
	rules := slices.Clone(a.endpoint.Faults)
	// The rules of a proxy endpoint are looked at from the last one to the first.
	count := 0
	for _, r := range rules {
		if !r.Default {
			count++
		}
	}
	slices.Reverse(rules[:count])
	for _, r := range rules {
		a.faultRule(r)
	}
	for _, r := range a.endpoint.Routes {
		if t := a.proxy.Target(r.Target); t != nil {
			for _, rule := range t.Faults {
				a.faultSteps(rule, "it is about faults of the backend, which the filter does not change")
			}
		}
	}
}

func (a *api) faultSteps(r proxy.FaultRule, why string) {
	for _, s := range r.Steps {
		p := a.proxy.Policy(s.Policy)
		if p == nil {
			a.problem(s.Place, "the step names the policy %q, of which the bundle has no file", s.Policy)
			return
		}
		a.used[p] = true
		a.report.Items = append(a.report.Items, a.item("fault rule "+cmp.Or(r.Name, "default"), p, report.Dropped, why, "faults of the configuration, or Envoy's local_reply_config"))
	}
}

func (a *api) faultRule(r proxy.FaultRule) {
	reasons, ok := []string{"*"}, true
	if !r.Default || r.Condition != nil {
		reasons, ok = reasonsOf(r.Condition)
	}
	if !ok || r.Unread {
		a.faultSteps(r, "its condition looks at what the filter does not know")
		return
	}
	for _, s := range r.Steps {
		p := a.proxy.Policy(s.Policy)
		if p == nil {
			a.problem(s.Place, "the step names the policy %q, of which the bundle has no file", s.Policy)
			return
		}
		a.used[p] = true
		v := visit{policy: p, at: s.Place, flow: "fault rule " + cmp.Or(r.Name, "default")}
		var d differences
		var f fault
		readable := false
		switch {
		case p.Off:
			a.say(v, report.Dropped, "it is switched off in Apigee", "")
			continue
		case s.Condition != nil:
			a.say(v, report.Dropped, "a step with a condition of its own", "faults of the configuration")
			continue
		case p.Type == "AssignMessage":
			f, readable = faultOf(p.XML, &d)
		case p.Type == "RaiseFault":
			f, readable = faultOf(p.XML.Child("FaultResponse"), &d)
		}
		if !readable || f.status == 0 && f.body == "" && len(f.headers) == 0 || f.status != 0 && (f.status < 400 || f.status > 599) {
			a.say(v, report.Dropped, "it does not shape the answer in a way that the filter can", insteadOf(p.Type))
			continue
		}
		n := mapping("reasons", reasons)
		if f.status != 0 {
			put(n, "status", f.status)
		}
		f.put(n)
		n.HeadComment = "Apigee's fault rule " + plainText(cmp.Or(r.Name, "default")) + ", " + p.Type + " " + plainText(p.Name)
		a.faults = append(a.faults, n)
		a.carried(v, d)
	}
}

// reasonsOf reads fault.name = "X" and lists of these.
func reasonsOf(e condition.Expr) (reasons []string, ok bool) {
	switch e := e.(type) {
	case nil:
		return []string{"*"}, true
	case condition.Any:
		for _, sub := range e {
			more, ok := reasonsOf(sub)
			if !ok {
				return nil, false
			}
			reasons = append(reasons, more...)
		}
		return reasons, true
	case condition.Compare:
		variable := strings.ToLower(e.Variable)
		if variable == "fault.name" && (e.Op == condition.Equal || e.Op == condition.EqualFold || e.Op == condition.Matches) {
			reasons, ok = faultReasons[strings.ToLower(e.Value)]
			return reasons, ok
		}
		prefix, _, _ := strings.Cut(variable, ".")
		if reason, known := failedReasons[prefix]; known && strings.HasSuffix(variable, ".failed") && e.Op == condition.Equal && e.Value == "true" {
			return []string{reason}, true
		}
	}
	return nil, false
}

// plainText is a name that stands in a comment.
func plainText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029 || r == 0x85 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s[:min(len(s), 100)], ""))
}

// document is the configuration as YAML.
func (i *importer) document() []byte {
	apis := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	var names []string
	for _, a := range i.apis {
		n := mapping("name", a.name, "version", a.version, "base_path", a.base)
		sequence := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, s := range a.steps {
			sequence.Content = append(sequence.Content, s.node())
		}
		put(n, "sequence", sequence)
		if len(a.faults) > 0 {
			put(n, "faults", list(a.faults...))
		}
		apis.Content = append(apis.Content, n)
		names = append(names, a.name)
	}
	root := mapping("version", 1, "apis", apis)
	if i.options.Catalog != nil {
		i.options.Catalog.put(root, i, names)
	}
	root.HeadComment = "Made by 'sallyport import apigee' from the proxy " + plainText(i.proxy.Name) + ".\nThe report beside it says what was carried over, and what is left to do."
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(root); err != nil {
		i.problem(proxy.Place{File: i.proxy.Root, Line: 1}, "the configuration cannot be written: %v", err)
		return nil
	}
	return out.Bytes()
}

func (s *step) node() *yaml.Node {
	options := s.options
	if s.when != nil {
		put(options, "when", whenNode(*s.when))
	}
	n := mapping(s.name, options)
	switch {
	case s.comment != "":
		n.HeadComment = s.comment
	case s.policy != "":
		n.HeadComment = "Apigee: " + plainText(s.policy)
	}
	return n
}

// plainAddress is one that may stand in a command which people copy.
var plainAddress = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]+)?$`)

// conclude gives the verdict and what is left to do.
func (i *importer) conclude(r *report.Proxy) {
	closed := len(i.apis) > 0
	for _, a := range i.apis {
		closed = closed && a.closed
	}
	denied, differs := r.Count(report.Denies), r.Count(report.Differs)
	switch {
	case denied > 0 && closed:
		r.Verdict = report.Closed
		r.Summary = fmt.Sprintf("%d of %d parts could not be carried over and might keep somebody out, so the API refuses every request until they are dealt with.", denied, len(r.Items))
	case denied > 0:
		r.Verdict = report.Partly
		r.Summary = fmt.Sprintf("%d of %d parts could not be carried over and might keep somebody out, so the API refuses the requests that meet them.", denied, len(r.Items))
	case differs > 0 || r.Count(report.Dropped) > 0:
		r.Verdict = report.Different
		r.Summary = "What keeps requests out is carried over. Read the differences before you switch."
	default:
		r.Verdict, r.Summary = report.Complete, "Everything is carried over."
	}
	var next []string
	if denied > 0 {
		next = append(next, "deal with what denies: replace the step, or import again with --accept POLICY for what is harmless")
	}
	next = append(next, r.Next...)
	for _, v := range r.Variables {
		next = append(next, "set the environment variable "+v.Name+" for the proxy: "+v.Holds)
	}
	file := path.Join(filepath.ToSlash(i.options.Out), fileNameOf(r.Name)+".yaml")
	next = append(next, "sallyport check --strict "+file)
	backend := "HOST:PORT"
	for _, t := range r.Targets {
		if plainAddress.MatchString(t.Address) {
			backend = t.Address
			if !strings.Contains(backend, ":") {
				backend += ":443"
			}
			break
		}
	}
	next = append(next, "sallyport render --for envoy --file "+file+" --backend "+backend+" > "+strings.TrimSuffix(file, filepath.Ext(file))+".envoy.yaml")
	r.Next = next
}
