package apigee

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/condition"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/proxy"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/report"
)

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
			a.problem(r.Place, "the route %q names the target endpoint %q, but the bundle has no file for it", r.Name, r.Target)
			return
		case !last && a.elsewhere(routes, r):
			a.divert(r, own, before, flowName, "it goes to another target there, and a manifest from 'sallyport render' has one backend")
			a.targets(target, r)
		default:
			a.targets(target, r)
		}
		if target != nil && target.XML.Child("LocalTargetConnection") != nil {
			a.divert(r, own, before, flowName, "another proxy of the environment is behind it, whose policies are not in this configuration")
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
		a.divert(rest, nil, before, where, "no RouteRule matches what is left")
	}
	if len(routes) == 0 {
		a.divert(proxy.Route{Place: a.endpoint.Place, Name: "none"}, nil, nil, where, "no RouteRule: Apigee has no backend for it")
	}
}

// elsewhere reports whether a route has a different target from the one that
// everything else goes to.
func (a *api) elsewhere(routes []proxy.Route, r proxy.Route) bool {
	for _, other := range routes {
		if other.Condition == nil {
			return other.Target != r.Target || other.URL != r.URL
		}
	}
	return routes[0].Target != r.Target || routes[0].URL != r.URL
}

// divert denies requests that a route sends elsewhere.
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
				say("Apigee calls it without TLS; the rendered cluster requires TLS")
			}
		}
		if lb := c.Child("LoadBalancer"); lb != nil {
			var servers []string
			for _, s := range lb.All("Server") {
				servers = append(servers, s.Attr("name"))
			}
			say("target servers of the environment, whose addresses are not in the bundle: " + strings.Join(servers, ", "))
		}
		if ssl := c.Child("SSLInfo"); ssl != nil && strings.EqualFold(ssl.TextAt("Enabled"), "true") {
			if strings.EqualFold(ssl.TextAt("ClientAuthEnabled"), "true") {
				say("2-way TLS: the certificate and key of the keystore go to backend-client.yaml of the rendered cluster")
			} else {
				say("1-way TLS: the rendered cluster also presents a client certificate; remove it, or give it one")
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
		say("a Node.js application within Apigee: run it as a separate backend")
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

// responses lists what runs after the backend: it keeps nobody out.
func (a *api) responses(where string) {
	list := func(where string, e *proxy.Endpoint) {
		say := func(s proxy.Step, flowName string) {
			p := a.proxy.Policy(s.Policy)
			if p == nil {
				a.problem(s.Place, "the step names the policy %q, but the bundle has no file for it", s.Policy)
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
