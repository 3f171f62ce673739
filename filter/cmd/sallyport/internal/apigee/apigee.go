// Package apigee makes Sallyport's configuration from an Apigee proxy bundle,
// and a report of what happened to each policy.
//
// If something that might refuse a request, or that finds out who calls, cannot
// be carried over, the API denies there. A condition that the filter cannot
// judge errs on the stricter side.
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

// Bounds of what a bundle may grow to when shared flows are inserted.
const (
	maxVisits  = 2_000
	maxCallout = 16 // shared flows within shared flows
)

// Options are what the user knows and the bundle does not.
type Options struct {
	Accept      []string // policies that can safely be left out
	Environment string   // to migrate from; "" when not known
	Out         string   // the folder for the configurations, as it is written in commands

	// The authorization server, for OAuthV2 and VerifyJWT.
	Issuer        string
	Audience      []string
	Introspection string // URL
	JWKS          string // URL
	ClientID      string // that the gateway introspects with

	Catalog *Catalog // from the management API's exports, nil for none
}

// Result is what happened to one proxy.
type Result struct {
	Name   string // of the file, without its ending
	Config []byte // YAML, nil when the proxy was refused
	Report report.Proxy

	// What explain needs.
	proxy *proxy.Proxy
	apis  []*api
}

// Import makes a configuration from each proxy. Shared flows are inserted where
// a proxy calls them. unmet are names of o.Accept that made no difference.
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
	names := map[string]bool{} // in lower case, for file systems that ignore case
	for _, p := range proxies {
		i := &importer{proxy: p, shared: shared, options: o, accepted: map[string]bool{}}
		if o.Catalog != nil {
			own := *o.Catalog // each proxy notes in it what it wants
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

// refuse drops the configuration.
func (r *Result) refuse(problems ...proxy.Problem) {
	for _, p := range problems {
		r.Report.Problems = append(r.Report.Problems, p.String())
	}
	r.Config, r.Report.Verdict = nil, report.Refused
	r.Report.Summary = "The bundle cannot be read as Apigee would: fix what is listed, or leave the bundle out."
}

// importer works on one proxy.
type importer struct {
	proxy    *proxy.Proxy
	shared   map[string][]*proxy.Proxy
	options  Options
	report   report.Proxy
	problems []proxy.Problem
	accepted map[string]bool // names of Accept that were used
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

// fileNameOf makes a name that is valid for a file and an API.
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

// visit is a policy at a place in the request flow.
type visit struct {
	policy *proxy.Policy
	at     proxy.Place
	flow   string
	// own is what must hold; before is what must not hold, as an earlier
	// conditional flow or route would have been taken.
	own    condition.All
	before condition.All
}

// say gives the visit's condition so that it errs on the stricter side.
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

// walk gives the policies on a request's way through flows, in their order.
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
		i.problem(s.Place, "the step names the policy %q, but the bundle has no file for it", s.Policy)
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

// callout inserts a shared flow where it is called.
func (i *importer) callout(v visit, stack []string) []visit {
	name := v.policy.XML.TextAt("SharedFlowBundle")
	bundles := i.shared[name]
	switch {
	case len(bundles) == 0 && slices.Contains(i.options.Accept, v.policy.Name):
		return []visit{v}
	case len(bundles) == 0:
		i.problem(v.policy.Place, "the shared flow %q is missing: name its bundle as well, or --accept %s if it is harmless to leave out", name, v.policy.Name)
		return nil
	case len(bundles) > 1:
		i.problem(v.policy.Place, "the shared flow %q is in two bundles, %s and %s", name, bundles[0].Root, bundles[1].Root)
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
		i.problem(v.policy.Place, "the shared flow %q has %d files in sharedflows instead of one", name, len(shared.Shared))
		return nil
	}
	i.report.Items = append(i.report.Items, i.item(v.flow, v.policy, report.Carried, "its steps take its place", ""))
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

// Refuse drops the configuration, for reasons that were found elsewhere.
func (r *Result) Refuse(reasons []string) {
	r.Report.Problems = append(r.Report.Problems, reasons...)
	r.refuse()
}
