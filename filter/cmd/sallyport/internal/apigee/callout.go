package apigee

import (
	"encoding/base64"
	"regexp"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/report"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/xmltree"
)

// call is what a ServiceCallout sends, as far as the policies say it.
type call struct {
	url, verb, authorization string
	form                     map[string]string
}

// callOf combines the callout's own request with that of the AssignMessage that
// builds it.
func (a *api) callOf(x *xmltree.Node) call {
	c := call{url: x.TextAt("HTTPTargetConnection", "URL"), form: map[string]string{}}
	c.read(x.Child("Request"))
	if variable := x.Child("Request").Attr("variable"); variable != "" {
		for _, v := range a.visits {
			if v.policy.Type == "AssignMessage" && !v.policy.Off && strings.EqualFold(v.policy.XML.TextAt("AssignTo"), variable) {
				c.read(v.policy.XML)
			}
			if v.policy.Type == "BasicAuthentication" && strings.EqualFold(v.policy.XML.TextAt("AssignTo"), variable+".header.Authorization") {
				c.authorization = "Basic {}"
			}
		}
	}
	return c
}

// read reads <Set> and <Add>: a form, as parameters or as a body, and headers.
func (c *call) read(n *xmltree.Node) {
	for _, how := range []string{"Set", "Add"} {
		set := n.Child(how)
		if verb := set.TextAt("Verb"); verb != "" {
			c.verb = strings.ToUpper(verb)
		}
		for _, kind := range []string{"FormParam", "QueryParam"} {
			for _, p := range set.Child(kind + "s").All(kind) {
				c.form[p.Attr("name")] = p.Text
			}
		}
		for _, h := range set.Child("Headers").All("Header") {
			if strings.EqualFold(h.Attr("name"), "Authorization") {
				c.authorization = h.Text
			}
		}
		if body := set.TextAt("Payload"); body != "" && !strings.HasPrefix(body, "{\"") {
			for _, pair := range strings.Split(body, "&") {
				name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
				c.form[name] = value
			}
		}
	}
}

// credentials gives the client's id if it is in plain text in the policy. Its
// secret is not looked at.
func (c *call) credentials() (clientID string) {
	if encoded, ok := strings.CutPrefix(c.authorization, "Basic "); ok {
		if plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded)); err == nil {
			if id, _, ok := strings.Cut(string(plain), ":"); ok && goodClientID(id) {
				return id
			}
		}
	}
	if id := c.form["client_id"]; goodClientID(id) {
		return id
	}
	return ""
}

func goodClientID(s string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9._~-]{1,128}$`).MatchString(s)
}

var oneVariable = regexp.MustCompile(`^\{([A-Za-z_][A-Za-z0-9_.-]*)\}$`)

func (a *api) serviceCallout(v visit) {
	x := v.policy.XML
	response := x.TextAt("Response")
	if response == "" {
		a.say(v, report.Dropped, "nothing waits for the answer, so it refuses nobody", "a mirror in Envoy's route, or the backend")
		return
	}
	c := a.callOf(x)
	s, ok := serverOf(c.url)
	token, isIntrospection := c.form["token"]
	if !strings.Contains(strings.ToLower(s.path), "introspect") || !ok || !isIntrospection {
		a.deny(v, "it asks a server, whose answer may refuse the request", "Envoy's ext_authz filter, or the backend; if it is harmless, --accept it")
		return
	}
	m := oneVariable.FindStringSubmatch(token)
	if m == nil {
		a.deny(v, "it introspects a token whose place in the request cannot be determined", "introspect_token, with the token as Bearer in the Authorization header")
		return
	}
	if p, ok := a.placeOf(m[1]); !ok || p.header != "authorization" || !strings.EqualFold(p.scheme, "Bearer") {
		a.deny(v, "it introspects a token that is not in the Authorization header with Bearer", "introspect_token, with the token as Bearer in the Authorization header")
		return
	}
	var d differences
	if v.policy.ContinueOnError {
		d.add("when the server does not answer, the request is refused (503): Apigee goes on (continueOnError)")
	}
	if !a.forWhom(s, &d) {
		a.deny(v, "it is not known who the token is for", "--audience or --issuer")
		return
	}
	a.everyRequest(v, &d)
	a.introspect(v, s, c.credentials())
	d.add("answers are kept for a minute, and an outage is answered with 503 and retry-after, where Apigee answers 500")
	a.known[strings.ToLower(response+".status.code")] = known{value: "200"}
	a.known[strings.ToLower("calloutResponse.status.code")] = known{value: "200"}
	a.failing("servicecallout", v)
	a.claims[strings.ToLower(response)] = "$"
	a.carried(v, d)
}

// extractVariables: what it takes from a request or an answer, the steps that use
// it read themselves.
func (a *api) extractVariables(v visit) {
	x := v.policy.XML
	source := strings.ToLower(x.TextAt("Source"))
	source = strings.TrimSuffix(source, ".content")
	if a.claims[source] == "$" {
		prefix := x.TextAt("VariablePrefix")
		for _, variable := range x.At("JSONPayload").All("Variable") {
			name := variable.Attr("name")
			if prefix != "" {
				name = prefix + "." + name
			}
			claim := variable.TextAt("JSONPath")
			a.claims[strings.ToLower(name)] = claim
			if claim == "$.active" {
				a.known[strings.ToLower(name)] = known{value: "true"}
			}
		}
		a.say(v, report.Carried, "introspect_token reads the answer itself", "")
		return
	}
	ofBody := source == "" || source == "request" || source == "message"
	if ofBody && (x.Child("JSONPayload") != nil || x.Child("XMLPayload") != nil || x.Child("FormParam") != nil) &&
		!strings.EqualFold(x.TextAt("IgnoreUnresolvedVariables"), "true") && !v.policy.ContinueOnError {
		a.deny(v, "it refuses requests whose body lacks what it looks for, and the filter does not read bodies", "the backend; if it is harmless, --accept it")
		return
	}
	for _, n := range append(x.All("Header"), x.All("QueryParam")...) {
		for _, pattern := range n.All("Pattern") {
			if wholePattern.MatchString(pattern.Text) {
				a.say(v, report.Carried, "the steps that need this part of the request read it themselves", "")
				return
			}
		}
	}
	a.say(v, report.Dropped, "it only sets variables, which are Apigee's own", "")
}
