package apigee

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/condition"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/proxy"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/report"
)

// step is a step of the configuration.
type step struct {
	name    string
	options *yaml.Node // a mapping
	when    *condition.When
	comment string
	policy  string // that it was made of, "" for one that Apigee has not
	visit   string // of the policy, "" for all of them
}

// api is a ProxyEndpoint on its way to become an API.
type api struct {
	*importer
	endpoint      *proxy.Endpoint
	name, version string
	base          string // as the configuration says it
	context       condition.Context

	visits []visit
	steps  []step
	faults []*yaml.Node
	known  map[string]known // flow variables that are the same whenever a step runs

	keys    []place             // where verified keys come from
	remover string              // the policy that takes them off, "" for none
	changed map[string]bool     // flow variables, in lower case, that a step before has changed
	token   tokenRules          // what require_token has to say
	claims  map[string]string   // variables with what the server answered, by name
	places  map[string]place    // variables that ExtractVariables takes from a request
	authed  map[string]bool     // what finds out who calls, each once
	closed  bool                // a step denies every request
	notes   map[string][]string // by policy: what is to be said besides
}

type known struct {
	value string
	null  bool
}

// place is a header or a query parameter, and what stands before the value in it.
type place struct{ header, query, scheme string }

// The default of APIs that Apigee does not limit: check wants a limit on each.
const runawayRate = "10000ps"

var versionLevel = regexp.MustCompile(`(?i)(?:^|/|-)(v[0-9][0-9.]*)(?:/|$)`)

// endpoint makes an API, and its part of the report.
func (i *importer) endpoint(e *proxy.Endpoint) {
	a := &api{importer: i, endpoint: e, known: map[string]known{}, changed: map[string]bool{}, claims: map[string]string{}, places: map[string]place{}, authed: map[string]bool{}, notes: map[string][]string{}}
	a.name = fileNameOf(i.proxy.Name)
	if e.Name != "default" && len(i.proxy.Proxies) > 1 {
		a.name = fileNameOf(i.proxy.Name + "." + e.Name)
	}
	literal, ok := a.basePath()
	if !ok {
		return
	}
	a.version = "v1"
	if m := versionLevel.FindStringSubmatch(a.base); m != nil {
		a.version = strings.ToLower(m[1])
	} else if m := versionLevel.FindStringSubmatch(i.proxy.Name); m != nil {
		a.version = strings.ToLower(m[1])
	}
	a.context = condition.Context{BasePath: strings.TrimSuffix(a.base, "/"), Known: a.knows, Changed: a.isChanged}
	where := "proxy endpoint " + e.Name
	a.visits = i.walk(e.Flows, where, nil, nil, i.proxy, nil)
	a.routes(where)
	if len(i.problems) > 0 {
		return
	}
	a.lookAhead()
	if !literal {
		a.close("its base path has a wildcard", "the base path", e.Place)
	}
	for _, v := range a.visits {
		a.visit(v)
	}
	a.responses(where)
	a.faultRules()
	a.arrange()
	i.apis = append(i.apis, a)
}

func (a *api) knows(variable string) (string, bool, bool) {
	k, ok := a.known[strings.ToLower(variable)]
	return k.value, k.null, ok
}

// isChanged takes message for request, as Apigee does in a request flow.
func (a *api) isChanged(variable string) bool {
	if rest, ok := strings.CutPrefix(variable, "message."); ok {
		variable = "request." + rest
	}
	kind := variable[:strings.LastIndexByte(variable, '.')+1]
	return a.changed[variable] || a.changed[kind+"*"]
}

var goodBase = regexp.MustCompile(`^/[A-Za-z0-9/._~-]*$`)

// basePath cuts a base path at its first wildcard; literal is false then.
func (a *api) basePath() (literal, ok bool) {
	base := strings.TrimSpace(a.endpoint.BasePath)
	if base == "" {
		base = "/"
	}
	if base[0] != '/' {
		base = "/" + base
	}
	literal = true
	if star := strings.Index(base, "*"); star >= 0 {
		literal = false
		base = base[:strings.LastIndex(base[:star], "/")+1]
	}
	base = "/" + strings.Trim(base, "/")
	if !goodBase.MatchString(base) || strings.Contains(base, "//") || strings.Contains(base+"/", "/./") || strings.Contains(base+"/", "/../") {
		a.problem(a.endpoint.Place, "the base path has characters that the gateway does not take: letters, digits, \"/\" and \"-._~\" are")
		return literal, false
	}
	for _, other := range a.apis {
		if strings.EqualFold(other.base, base) {
			a.problem(a.endpoint.Place, "the base path %q is also that of the proxy endpoint %q: Apigee tells them apart by virtual host, which the bundle does not explain; split the bundle", base, other.endpoint.Name)
			return literal, false
		}
	}
	a.base = base
	return literal, true
}

// routes adds the target endpoints' flows, and closes what has no target.
func (a *api) routes(where string) {
	routes := a.endpoint.Routes
	var before condition.All
	for n, r := range routes {
		own := condition.All{}
		if r.Condition != nil {
			own = append(own, r.Condition)
		}
		target := a.proxy.Target(r.Target)
		flowName := where + " / route " + cmp.Or(r.Name, fmt.Sprint(n+1))
		last := r.Condition == nil
		switch {
		case r.Target == "" && r.URL == "":
			a.divert(r, own, before, flowName, "Apigee itself answers there, without a backend")
		case r.Target != "" && target == nil:
			a.problem(r.Place, "the route %q names the target endpoint %q, of which the bundle has no file", r.Name, r.Target)
			return
		case !last && a.elsewhere(routes, r):
			a.divert(r, own, before, flowName, "it goes to another target there, and a manifest of 'sallyport render' has one backend")
			a.targets(target, r)
		default:
			a.targets(target, r)
		}
		if target != nil && target.XML.Child("LocalTargetConnection") != nil {
			a.divert(r, own, before, flowName, "another proxy of the environment stands behind it, whose policies are not in this configuration")
		}
		if target != nil {
			a.visits = append(a.visits, a.walk(target.Flows, "target endpoint "+target.Name, own, before, a.proxy, nil)...)
		}
		if last {
			break
		}
		before = append(before, condition.Not{Of: r.Condition})
	}
	if len(routes) > 0 && routes[len(routes)-1].Condition != nil && !slices.ContainsFunc(routes, func(r proxy.Route) bool { return r.Condition == nil }) {
		rest := proxy.Route{Place: routes[len(routes)-1].Place, Name: "no route"}
		a.divert(rest, nil, before, where, "no RouteRule takes what is left")
	}
	if len(routes) == 0 {
		a.divert(proxy.Route{Place: a.endpoint.Place, Name: "none"}, nil, nil, where, "no RouteRule: Apigee has no backend for it")
	}
}

// elsewhere reports whether a route has another target than the one that all
// others are left to.
func (a *api) elsewhere(routes []proxy.Route, r proxy.Route) bool {
	for _, other := range routes {
		if other.Condition == nil {
			return other.Target != r.Target || other.URL != r.URL
		}
	}
	return routes[0].Target != r.Target || routes[0].URL != r.URL
}

// divert denies what a route takes elsewhere.
func (a *api) divert(r proxy.Route, own, before condition.All, flowName, why string) {
	v := visit{policy: &proxy.Policy{Place: r.Place, Name: cmp.Or(r.Name, "RouteRule"), Type: "RouteRule"}, at: r.Place, flow: flowName, own: own, before: before}
	a.visits = append(a.visits, v)
	a.notes[noteKey(v)] = []string{why}
}

func noteKey(v visit) string { return v.at.String() + "\x00" + v.policy.Name }

// targets notes where requests go.
func (a *api) targets(e *proxy.Endpoint, r proxy.Route) {
	t := report.Target{Name: cmp.Or(r.Target, r.Name), Address: hostOf(r.URL)}
	if e == nil {
		a.addTarget(t)
		return
	}
	var details []string
	say := func(s string) { details = append(details, s) }
	c := e.XML.Child("HTTPTargetConnection")
	switch {
	case c != nil:
		t.Address = hostOf(c.TextAt("URL"))
		if u, err := url.Parse(c.TextAt("URL")); err == nil {
			if u.Path != "" && u.Path != "/" || a.base != "/" {
				say("Apigee sends the path below " + a.base + " to " + cmp.Or(u.Path, "/") + ": in Envoy that is the route's prefix_rewrite")
			}
			if u.Scheme == "http" {
				say("Apigee calls it without TLS; the rendered cluster wants TLS")
			}
		}
		if lb := c.Child("LoadBalancer"); lb != nil {
			var servers []string
			for _, s := range lb.All("Server") {
				servers = append(servers, s.Attr("name"))
			}
			say("target servers of the environment, whose addresses the bundle has not: " + strings.Join(servers, ", "))
		}
		if ssl := c.Child("SSLInfo"); ssl != nil && strings.EqualFold(ssl.TextAt("Enabled"), "true") {
			if strings.EqualFold(ssl.TextAt("ClientAuthEnabled"), "true") {
				say("2-way TLS: certificate and key of the keystore go to backend-client.yaml of the rendered cluster")
			} else {
				say("1-way TLS: the rendered cluster also shows a client certificate; take it out, or give it one")
			}
			if ssl.TextAt("TrustStore") != "" {
				say("the CA of the truststore is --backend-ca")
			}
			if strings.EqualFold(ssl.TextAt("IgnoreValidationErrors"), "true") {
				say("Apigee does not check the backend's certificate; the rendered cluster does")
			}
		}
	case e.XML.Child("LocalTargetConnection") != nil:
		say("another proxy of the environment: call its gateway")
	case e.XML.Child("ScriptTarget") != nil, e.XML.Child("HostedTarget") != nil:
		say("a Node.js application within Apigee: host it as a backend of its own")
	default:
		say("a kind of target that is not known here")
	}
	t.Detail = strings.Join(details, "; ")
	a.addTarget(t)
}

func (i *importer) addTarget(t report.Target) {
	if !slices.Contains(i.report.Targets, t) {
		i.report.Targets = append(i.report.Targets, t)
	}
}

// hostOf leaves out user, password, path and query of a URL.
func hostOf(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Host
}

// responses lists what runs behind the backend: it keeps nobody out.
func (a *api) responses(where string) {
	list := func(where string, e *proxy.Endpoint) {
		say := func(s proxy.Step, flowName string) {
			p := a.proxy.Policy(s.Policy)
			if p == nil {
				a.problem(s.Place, "the step names the policy %q, of which the bundle has no file", s.Policy)
				return
			}
			a.used[p] = true
			detail := "it works on the response, which the filter does not change"
			if p.Off {
				detail = "it is switched off in Apigee"
			}
			a.report.Items = append(a.report.Items, a.item(flowName, p, report.Dropped, detail, insteadOf(p.Type)))
		}
		for _, f := range e.Flows {
			for _, s := range f.Response {
				say(s, where+" / "+f.Name+" / response")
			}
		}
		for _, s := range e.After {
			say(s, where+" / PostClientFlow")
		}
	}
	list(where, a.endpoint)
	done := map[string]bool{}
	for _, r := range a.endpoint.Routes {
		if t := a.proxy.Target(r.Target); t != nil && !done[t.Name] {
			done[t.Name] = true
			list("target endpoint "+t.Name, t)
		}
	}
}

// add appends a step for the visit's condition.
func (a *api) add(v visit, s step, said condition.Said) {
	if !said.Always {
		w := said.When
		s.when = &w
	}
	s.policy, s.visit = v.policy.Name, noteKey(v)
	a.steps = append(a.steps, s)
}

func (a *api) say(v visit, o report.Outcome, detail, instead string) {
	item := a.item(v.flow, v.policy, o, detail, instead)
	a.report.Items = append(a.report.Items, item)
}

// The answer where something was not carried over.
const (
	denyStatus = 501
	denyReason = "sallyport.NotCarriedOver"
)

// deny makes the API refuse what meets a policy that is not carried over, unless
// the user has named it harmless.
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
