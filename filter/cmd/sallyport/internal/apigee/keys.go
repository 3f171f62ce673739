package apigee

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/report"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/xmltree"
)

// lookAhead finds the variables that stand for a part of the request, whichever
// policy uses them first.
func (a *api) lookAhead() {
	for _, v := range a.visits {
		if v.policy.Type != "ExtractVariables" || v.policy.Off {
			continue
		}
		x := v.policy.XML
		if source := strings.ToLower(x.TextAt("Source")); source != "" && source != "request" && source != "message" {
			continue
		}
		prefix := x.TextAt("VariablePrefix")
		for _, h := range x.All("Header") {
			a.patterns(h, prefix, place{header: strings.ToLower(h.Attr("name"))})
		}
		for _, q := range x.All("QueryParam") {
			a.patterns(q, prefix, place{query: q.Attr("name")})
		}
	}
}

var wholePattern = regexp.MustCompile(`^(?:([A-Za-z][A-Za-z0-9-]*) )?\{([A-Za-z_][A-Za-z0-9_.-]*)\}$`)

// patterns reads <Pattern>Bearer {token}</Pattern>. A variable that comes from
// two places stands for neither.
func (a *api) patterns(n *xmltree.Node, prefix string, at place) {
	for _, pattern := range n.All("Pattern") {
		m := wholePattern.FindStringSubmatch(pattern.Text)
		if m == nil {
			continue
		}
		name := m[2]
		if prefix != "" {
			name = prefix + "." + name
		}
		found := at
		found.scheme = m[1]
		key := strings.ToLower(name)
		if before, ok := a.places[key]; ok && before != found {
			a.places[key] = place{}
			continue
		}
		a.places[key] = found
	}
}

// placeOf gives the place in a request that a reference stands for.
func (a *api) placeOf(ref string) (p place, ok bool) {
	lower := strings.ToLower(ref)
	for _, message := range []string{"request.", "message."} {
		if header, ok := strings.CutPrefix(lower, message+"header."); ok {
			return place{header: header}, plainHeader(header) && !strings.Contains(header, ".")
		}
		if strings.HasPrefix(lower, message+"queryparam.") {
			return place{query: ref[len(message+"queryparam."):]}, true
		}
	}
	p, ok = a.places[lower]
	return p, ok && p != (place{})
}

func (p place) node() *yaml.Node {
	switch {
	case p.query != "":
		return flow(mapping("query", p.query))
	case p.scheme != "":
		return flow(mapping("header", p.header, "scheme", p.scheme))
	}
	return flow(mapping("header", p.header))
}

// unsuitable are headers that the filter does not take keys from.
var unsuitable = []string{"cookie", "forwarded", "via", "x-request-id", "connection", "content-length", "expect", "host", "keep-alive", "proxy-authenticate",
	"proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings"}

func (a *api) verifyAPIKey(v visit) {
	refs := v.policy.XML.All("APIKey")
	if len(refs) != 1 || refs[0].Attr("ref") == "" {
		a.deny(v, "the place of the key is not a variable, or is there twice", "fix the policy")
		return
	}
	p, ok := a.placeOf(refs[0].Attr("ref"))
	if !ok {
		a.deny(v, "the key comes from "+variableName(refs[0].Attr("ref"))+", where the filter does not look for keys", "verify_api_key with a header or query parameter")
		return
	}
	if p.header != "" && (slices.Contains(unsuitable, p.header) || strings.HasPrefix(p.header, "x-envoy-") || p.header == "authorization" && p.scheme == "") {
		a.deny(v, "the key comes in the header "+p.header+", from which the filter does not take keys", "verify_api_key with a header of its own, or authorization with a scheme")
		return
	}
	if p.header != "" && strings.Contains(p.header, "_") {
		a.deny(v, "the key comes in the header "+p.header+", and the shipped proxy refuses headers with an underscore", "verify_api_key with a header without one")
		return
	}
	var d differences
	v.goesOn(&d)
	a.everyRequest(v, &d)
	if !a.removes(p) {
		d.add("the key is removed from the request; in Apigee the backend gets it")
	}
	if a.options.Catalog == nil {
		d.add("apps, products and keys are not in the bundle: give --products and --apps, or nobody can call")
	}
	for _, prefix := range []string{"verifyapikey", "oauthv2"} {
		a.failing(prefix, v)
	}
	if !slices.Contains(a.keys, p) {
		a.keys = append(a.keys, p)
		a.authenticate(v, step{name: "verify_api_key", options: mapping("from", list(p.node()))})
	} else {
		d.add("once for all flows")
	}
	a.carried(v, d)
}

// removes reports whether an AssignMessage removes the place from requests.
func (a *api) removes(p place) bool {
	for _, v := range a.visits {
		if v.policy.Type != "AssignMessage" || v.policy.Off || !ofRequest(v.policy.XML) {
			continue
		}
		remove := v.policy.XML.Child("Remove")
		for _, h := range remove.Child("Headers").All("Header") {
			if p.header != "" && strings.EqualFold(h.Attr("name"), p.header) {
				a.remover = v.policy.Name
				return true
			}
		}
		for _, q := range remove.Child("QueryParams").All("QueryParam") {
			if p.query != "" && q.Attr("name") == p.query {
				a.remover = v.policy.Name
				return true
			}
		}
	}
	return false
}

// everyRequest is for steps that find out who calls: they work on every
// request, as one that they left out would be an open door.
func (a *api) everyRequest(v visit, d *differences) {
	if said := v.say(a.context); !said.Always || !said.Exact {
		d.add("for every request of the API: in Apigee only where its condition holds, and without it the caller of a request is unknown")
	}
}

// authenticate adds a step that finds out who calls, once.
func (a *api) authenticate(v visit, s step) {
	key, err := yaml.Marshal(mapping(s.name, s.options))
	if err == nil && a.authed[string(key)] {
		return
	}
	a.authed[string(key)] = true
	s.policy = v.policy.Name
	a.steps = append(a.steps, s)
}

// basicAuthentication only makes or reads a header; what happens with what it
// reads is up to the policies after it.
func (a *api) basicAuthentication(v visit) {
	if strings.EqualFold(v.policy.XML.TextAt("Operation"), "Encode") {
		header := ""
		if to := strings.ToLower(v.policy.XML.TextAt("AssignTo")); strings.HasPrefix(to, "request.header.") {
			header = strings.TrimPrefix(to, "request.header.")
		}
		detail := "it creates a credential, which the configuration must not contain"
		if a.takeOff(v, header) {
			detail += "; the header " + header + " is removed from requests, so that no client can send it"
		}
		a.say(v, report.Dropped, detail, "Envoy's credential injector, with the secret in a file of the gateway")
		return
	}
	a.deny(v, "it refuses requests without a user and a password", "Envoy's basic_auth filter, or an authorization server")
}

// takeOff removes a header from every request, so that what Apigee would have
// put there cannot come from a client.
func (a *api) takeOff(v visit, header string) bool {
	if header == "" || !settable(header) {
		return false
	}
	a.steps = append(a.steps, step{name: "set_headers", policy: v.policy.Name, options: mapping("remove", texts([]string{header})),
		comment: "Apigee sets this header, with a value that is not carried over."})
	return true
}
