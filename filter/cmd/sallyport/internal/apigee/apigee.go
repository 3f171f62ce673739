// Package apigee makes Sallyport's configuration of an Apigee proxy bundle, and
// a report that says of each policy what became of it.
//
// What might refuse a request, or finds out who calls, and cannot be carried
// over makes the API deny there. A condition that the filter cannot judge errs
// to the stricter side.
package apigee

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/bundle"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/condition"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/proxy"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/report"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/xmltree"
)

// Bounds of what a bundle may grow to when shared flows are put in their place.
const (
	maxVisits  = 2_000
	maxCallout = 16 // shared flows within shared flows
)

// Options are what the user knows and the bundle does not.
type Options struct {
	Accept      []string // policies that are harmless to leave out
	Environment string   // that is left; "" for not known
	Out         string   // the folder that the configurations are for, as it is written in commands

	// The authorization server, for OAuthV2 and VerifyJWT.
	Issuer        string
	Audience      []string
	Introspection string // URL
	JWKS          string // URL
	ClientID      string // with which the gateway introspects

	Catalog *Catalog // of the management API's exports, nil for none
}

// Result is what became of one proxy.
type Result struct {
	Name   string // of the file, without its ending
	Config []byte // YAML, nil when the proxy was refused
	Report report.Proxy

	// What explain needs.
	proxy *proxy.Proxy
	apis  []*api
}

// Import makes a configuration of each proxy. Shared flows are put in where a
// proxy calls them. unmet are names of o.Accept that made no difference.
func Import(bundles []*bundle.Bundle, o Options) (results []*Result, unmet []string) {
	shared := map[string][]*proxy.Proxy{}
	var proxies []*proxy.Proxy
	var x xmltree.Reader
	for _, b := range bundles {
		p := proxy.Read(b, &x)
		if p.Kind == bundle.SharedFlow {
			shared[p.Name] = append(shared[p.Name], p)
		} else {
			proxies = append(proxies, p)
		}
	}
	met := map[string]bool{}
	names := map[string]bool{} // in lower case, for file systems that tell no more apart
	for _, p := range proxies {
		i := &importer{proxy: p, shared: shared, options: o, accepted: map[string]bool{}}
		if o.Catalog != nil {
			own := *o.Catalog // what a proxy wants of it is its own affair
			i.options.Catalog = &own
		}
		r := i.run()
		name := r.Name
		for n := 2; names[strings.ToLower(r.Name)]; n++ {
			r.Name = fmt.Sprintf("%s-%d", name, n)
		}
		names[strings.ToLower(r.Name)] = true
		results = append(results, r)
		for name := range i.accepted {
			met[name] = true
		}
	}
	for _, name := range o.Accept {
		if !met[name] {
			unmet = append(unmet, name)
		}
	}
	return results, unmet
}

// refuse leaves nothing of a configuration.
func (r *Result) refuse(problems ...proxy.Problem) {
	for _, p := range problems {
		r.Report.Problems = append(r.Report.Problems, p.String())
	}
	r.Config, r.Report.Verdict = nil, report.Refused
	r.Report.Summary = "The bundle cannot be read as Apigee would: mend what is listed, or leave it out."
}

// importer is at work on one proxy.
type importer struct {
	proxy    *proxy.Proxy
	shared   map[string][]*proxy.Proxy
	options  Options
	report   report.Proxy
	problems []proxy.Problem
	accepted map[string]bool // of Accept, those that were met
	used     map[*proxy.Policy]bool
	visits   int
	apis     []*api
}

func (i *importer) problem(at proxy.Place, format string, args ...any) {
	i.problems = append(i.problems, proxy.Problem{Place: at, Message: fmt.Sprintf(format, args...)})
}

func (i *importer) run() *Result {
	p := i.proxy
	i.used = map[*proxy.Policy]bool{}
	i.problems = slices.Clone(p.Problems)
	i.report = report.Proxy{Name: p.Name, Bundle: p.Root, Items: []report.Item{}, Variables: []report.Variable{}, Targets: []report.Target{}, Problems: []string{}, Next: []string{}}
	r := &Result{Name: fileNameOf(p.Name), proxy: p}
	if len(p.Proxies) == 0 {
		i.problem(proxy.Place{File: p.Root, Line: 1}, "no ProxyEndpoint in the bundle (proxies/*.xml): nobody can call it")
	}
	if len(i.problems) == 0 {
		for _, e := range p.Proxies {
			i.endpoint(e)
		}
	}
	if len(i.problems) == 0 {
		i.unused()
		r.apis = i.apis
		r.Config = i.document()
	}
	r.Report = i.report
	if len(i.problems) > 0 {
		r.refuse(i.problems...)
		return r
	}
	i.conclude(&r.Report)
	return r
}

// fileNameOf makes a name that is a file's and an API's.
func fileNameOf(name string) string {
	clean := []byte(strings.TrimSpace(name))
	for i, c := range clean {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' && c != '~' {
			clean[i] = '-'
		}
	}
	const longest = 100
	s := strings.Trim(string(clean[:min(len(clean), longest)]), ".-")
	if s == "" {
		return "proxy"
	}
	return s
}

// visit is a policy at a place of the request flow.
type visit struct {
	policy *proxy.Policy
	at     proxy.Place
	flow   string
	// own is what must hold; before is what must not, as an earlier conditional
	// flow or route would have been taken.
	own    condition.All
	before condition.All
}

// say gives the visit's condition so that it errs to the stricter side.
func (v *visit) say(c condition.Context) condition.Said {
	whole := append(slices.Clone(v.own), v.before...)
	s := condition.Say(whole, condition.AtLeast, c)
	if s.Always && !s.Exact && len(v.before) > 0 {
		if alone := condition.Say(v.own, condition.AtLeast, c); !alone.Always {
			alone.Exact = false
			return alone
		}
	}
	return s
}

// walk gives the policies of a request's way through flows, in their order.
func (i *importer) walk(flows []proxy.Flow, where string, own, before condition.All, owner *proxy.Proxy, stack []string) (visits []visit) {
	var taken condition.All
	for _, f := range flows {
		holds, not := slices.Clone(own), slices.Clone(before)
		if f.Conditional {
			holds = append(holds, expr(f.Condition))
			not = append(not, taken...)
			taken = append(taken, condition.Not{Of: expr(f.Condition)})
		} else if f.Condition != nil {
			holds = append(holds, f.Condition)
		}
		for _, s := range f.Request {
			visits = append(visits, i.step(s, where+" / "+f.Name, holds, not, owner, stack)...)
		}
	}
	return visits
}

func expr(e condition.Expr) condition.Expr {
	if e == nil {
		return condition.Constant(true)
	}
	return e
}

func (i *importer) step(s proxy.Step, flowName string, own, before condition.All, owner *proxy.Proxy, stack []string) []visit {
	if i.visits++; i.visits > maxVisits {
		if i.visits == maxVisits+1 {
			i.problem(s.Place, "the flows have more than %d steps with their shared flows", maxVisits)
		}
		return nil
	}
	policy := owner.Policy(s.Policy)
	if policy == nil {
		i.problem(s.Place, "the step names the policy %q, of which the bundle has no file", s.Policy)
		return nil
	}
	i.used[policy] = true
	holds := slices.Clone(own)
	if s.Condition != nil {
		holds = append(holds, s.Condition)
	}
	v := visit{policy: policy, at: s.Place, flow: flowName, own: holds, before: before}
	if policy.Type != "FlowCallout" || policy.Off {
		return []visit{v}
	}
	return i.callout(v, stack)
}

// callout puts a shared flow in its place.
func (i *importer) callout(v visit, stack []string) []visit {
	name := v.policy.XML.TextAt("SharedFlowBundle")
	bundles := i.shared[name]
	switch {
	case len(bundles) == 0 && slices.Contains(i.options.Accept, v.policy.Name):
		return []visit{v}
	case len(bundles) == 0:
		i.problem(v.policy.Place, "the shared flow %q is not there: name its bundle beside this one, or --accept %s if it is harmless to leave out", name, v.policy.Name)
		return nil
	case len(bundles) > 1:
		i.problem(v.policy.Place, "the shared flow %q stands twice, in %s and %s", name, bundles[0].Root, bundles[1].Root)
		return nil
	case slices.Contains(stack, name):
		i.problem(v.policy.Place, "the shared flow %q calls itself: %s", name, strings.Join(append(stack, name), ", "))
		return nil
	case len(stack) == maxCallout:
		i.problem(v.policy.Place, "shared flows nested deeper than %d", maxCallout)
		return nil
	}
	shared := bundles[0]
	i.problems = append(i.problems, shared.Problems...)
	shared.Problems = nil
	if len(shared.Shared) != 1 {
		i.problem(v.policy.Place, "the shared flow %q has %d files in sharedflows, where one is wanted", name, len(shared.Shared))
		return nil
	}
	i.report.Items = append(i.report.Items, i.item(v.flow, v.policy, report.Carried, "its steps stand in its place", ""))
	return i.walk(shared.Shared[0].Flows, v.flow+" / "+name, v.own, v.before, shared, append(slices.Clone(stack), name))
}

func (i *importer) item(flow string, p *proxy.Policy, o report.Outcome, detail, instead string) report.Item {
	return report.Item{Flow: flow, Policy: p.Name, Type: p.Type, File: p.File, Line: p.Line, Outcome: o, Detail: detail, Instead: instead}
}

// unused are policies that no flow of the proxy names.
func (i *importer) unused() {
	for _, p := range i.proxy.Policies {
		if !i.used[p] {
			i.report.Items = append(i.report.Items, i.item("none", p, report.Dropped, "no flow uses it", ""))
		}
	}
}

// Refuse leaves nothing of the configuration, for reasons that are found outside.
func (r *Result) Refuse(reasons []string) {
	r.Report.Problems = append(r.Report.Problems, reasons...)
	r.refuse()
}
