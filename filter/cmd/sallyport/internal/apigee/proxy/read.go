package proxy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/bundle"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/condition"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/xmltree"
)

// Read reads a bundle; what is wrong with it is in Problems.
func Read(b *bundle.Bundle, x *xmltree.Reader) *Proxy {
	r := reader{xml: x, bundle: b, proxy: &Proxy{Kind: b.Kind, Name: b.Name, Root: b.Root}}
	r.manifest()
	r.policies()
	for _, file := range b.Paths("proxies") {
		if e := r.endpoint(file, "ProxyEndpoint"); e != nil {
			r.proxy.Proxies = append(r.proxy.Proxies, e)
		}
	}
	for _, file := range b.Paths("targets") {
		if e := r.endpoint(file, "TargetEndpoint"); e != nil {
			r.proxy.Targets = append(r.proxy.Targets, e)
		}
	}
	for _, file := range b.Paths("sharedflows") {
		r.sharedFlow(file)
	}
	r.doubled()
	return r.proxy
}

type reader struct {
	xml    *xmltree.Reader
	bundle *bundle.Bundle
	proxy  *Proxy
}

func (r *reader) shown(file string) string { return r.bundle.Root + "/" + file }

func (r *reader) problem(file string, line int, format string, args ...any) {
	r.proxy.Problems = append(r.proxy.Problems, Problem{Place{r.shown(file), line}, fmt.Sprintf(format, args...)})
}

func (r *reader) parse(file string) *xmltree.Node {
	n, err := r.xml.Parse(r.bundle.Files[file])
	if err == nil {
		return n
	}
	line, message := 1, err.Error()
	if e, ok := err.(*xmltree.Error); ok { //nolint:errorlint // Parse returns it unwrapped
		line, message = e.Line, e.Message
	}
	r.problem(file, line, "%s", message)
	return nil
}

// manifest takes the name; everything else in it follows from the folders.
func (r *reader) manifest() {
	want := map[bundle.Kind]string{bundle.Proxy: "APIProxy", bundle.SharedFlow: "SharedFlowBundle"}[r.bundle.Kind]
	for _, file := range r.bundle.Paths("") {
		if n := r.parse(file); n != nil && n.Name == want {
			if name := n.Attr("name"); name != "" {
				r.proxy.Name = name
			}
			return
		}
	}
}

func (r *reader) policies() {
	for _, file := range r.bundle.Paths("policies") {
		n := r.parse(file)
		if n == nil {
			continue
		}
		p := &Policy{Place: Place{r.shown(file), n.Line}, Name: n.Attr("name"), Type: n.Name, XML: n}
		if p.Name == "" {
			p.Name = fileName(file)
		}
		p.Off = r.flag(file, n, "enabled", true) == no
		p.ContinueOnError = r.flag(file, n, "continueOnError", false) == yes
		r.proxy.Policies = append(r.proxy.Policies, p)
	}
}

type answer int

const (
	no answer = iota
	yes
)

// flag reads a boolean attribute. A value that is neither is a problem: taken
// for either, it could open a door.
func (r *reader) flag(file string, n *xmltree.Node, name string, byDefault bool) answer {
	switch strings.ToLower(strings.TrimSpace(n.Attr(name))) {
	case "true":
		return yes
	case "false":
		return no
	case "":
	default:
		r.problem(file, n.Line, "the attribute %s must be true or false", name)
	}
	if byDefault {
		return yes
	}
	return no
}

func (r *reader) endpoint(file, kind string) *Endpoint {
	n := r.parse(file)
	if n == nil {
		return nil
	}
	if n.Name != kind {
		r.problem(file, n.Line, "must be a %s, got %s", kind, n.Name)
		return nil
	}
	e := &Endpoint{Place: Place{r.shown(file), n.Line}, Name: n.Attr("name"), XML: n}
	if e.Name == "" {
		e.Name = fileName(file)
	}
	for _, name := range []string{"PreFlow", "Flows", "PostFlow", "FaultRules", "DefaultFaultRule", "HTTPProxyConnection"} {
		if all := n.All(name); len(all) > 1 {
			r.problem(file, all[1].Line, "%s is there twice", name)
		}
	}
	if c := n.Child("HTTPProxyConnection"); c != nil {
		if bases := c.All("BasePath"); len(bases) > 1 {
			r.problem(file, bases[1].Line, "BasePath is there twice")
		}
		e.BasePath = c.TextAt("BasePath")
	}
	if pre := n.Child("PreFlow"); pre != nil {
		e.Flows = append(e.Flows, r.flow(file, pre, "PreFlow", false))
	}
	for i, f := range n.Child("Flows").All("Flow") {
		name := f.Attr("name")
		if name == "" {
			name = fmt.Sprintf("flow %d", i+1)
		}
		e.Flows = append(e.Flows, r.flow(file, f, name, true))
	}
	if post := n.Child("PostFlow"); post != nil {
		e.Flows = append(e.Flows, r.flow(file, post, "PostFlow", false))
	}
	if after := n.Child("PostClientFlow"); after != nil {
		e.After = append(r.steps(file, after.Child("Response")), r.steps(file, after.Child("Request"))...)
	}
	r.faults(file, n, e)
	for _, route := range n.All("RouteRule") {
		c, unread := r.condition(file, route)
		e.Routes = append(e.Routes, Route{Place: Place{e.File, route.Line}, Name: route.Attr("name"),
			Target: route.TextAt("TargetEndpoint"), URL: route.TextAt("URL"), Condition: c, Unread: unread})
	}
	return e
}

func (r *reader) flow(file string, n *xmltree.Node, name string, conditional bool) Flow {
	f := Flow{Place: Place{r.shown(file), n.Line}, Name: name, Conditional: conditional}
	f.Condition, f.Unread = r.condition(file, n)
	for _, c := range n.Children {
		switch strings.ToLower(c.Name) {
		case "request":
			f.Request = append(f.Request, r.steps(file, c)...)
		case "response":
			f.Response = append(f.Response, r.steps(file, c)...)
		case "step":
			// Outside Request and Response Apigee does not run it, which nobody
			// intends.
			f.Request = append(f.Request, r.step(file, c))
		default:
			if c.Child("Step") != nil {
				r.problem(file, c.Line, "a step in %s, where Apigee does not run steps", c.Name)
			}
		}
	}
	return f
}

func (r *reader) condition(file string, n *xmltree.Node) (e condition.Expr, unread bool) {
	all := n.All("Condition")
	if len(all) > 1 {
		r.problem(file, all[1].Line, "Condition is there twice")
	}
	if len(all) == 0 {
		return nil, false
	}
	e, err := condition.Parse(all[0].Text)
	return e, err != nil
}

func (r *reader) steps(file string, n *xmltree.Node) (steps []Step) {
	if n == nil {
		return nil
	}
	for _, c := range n.All("Step") {
		steps = append(steps, r.step(file, c))
	}
	return steps
}

func (r *reader) step(file string, n *xmltree.Node) Step {
	s := Step{Place: Place{r.shown(file), n.Line}, Policy: n.TextAt("Name")}
	s.Condition, s.Unread = r.condition(file, n)
	if s.Policy == "" {
		s.Policy = n.TextAt("FlowName")
	}
	if len(n.All("Name")) > 1 {
		r.problem(file, n.Line, "a step with two names")
	} else if s.Policy == "" {
		r.problem(file, n.Line, "a step without the name of its policy")
	}
	return s
}

func (r *reader) faults(file string, n *xmltree.Node, e *Endpoint) {
	one := func(n *xmltree.Node, byDefault bool) {
		rule := FaultRule{Place: Place{e.File, n.Line}, Name: n.Attr("name"), Default: byDefault, Steps: r.steps(file, n)}
		rule.Condition, rule.Unread = r.condition(file, n)
		e.Faults = append(e.Faults, rule)
	}
	for _, rule := range n.Child("FaultRules").All("FaultRule") {
		one(rule, false)
	}
	if rule := n.Child("DefaultFaultRule"); rule != nil {
		one(rule, true)
	}
}

func (r *reader) sharedFlow(file string) {
	n := r.parse(file)
	if n == nil {
		return
	}
	if n.Name != "SharedFlow" {
		r.problem(file, n.Line, "must be a SharedFlow, got %s", n.Name)
		return
	}
	e := &Endpoint{Place: Place{r.shown(file), n.Line}, Name: n.Attr("name"), XML: n}
	e.Flows = []Flow{{Place: e.Place, Name: e.Name, Request: r.steps(file, n)}}
	r.proxy.Shared = append(r.proxy.Shared, e)
}

// doubled finds two things with one name: it is not known which of them Apigee
// runs.
func (r *reader) doubled() {
	seen := map[string]Place{}
	check := func(what, name string, at Place) {
		key := what + "\x00" + name
		if before, ok := seen[key]; ok {
			r.proxy.Problems = append(r.proxy.Problems, Problem{at, fmt.Sprintf("the %s %q is there twice, also in %s", what, name, before)})
		}
		seen[key] = at
	}
	for _, p := range r.proxy.Policies {
		check("policy", p.Name, p.Place)
	}
	for _, e := range r.proxy.Proxies {
		check("proxy endpoint", e.Name, e.Place)
	}
	for _, e := range r.proxy.Targets {
		check("target endpoint", e.Name, e.Place)
	}
	slices.SortStableFunc(r.proxy.Problems, func(a, b Problem) int { return strings.Compare(a.File, b.File) })
}
