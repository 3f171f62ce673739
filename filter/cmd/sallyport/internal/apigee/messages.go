package apigee

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/condition"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/report"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/xmltree"
)

// settable are headers that a policy may set without breaking the connection.
func settable(header string) bool {
	h := strings.ToLower(header)
	return plainHeader(h) && !slices.Contains(unsuitable, h) && !strings.HasPrefix(h, "x-envoy-") && !strings.HasPrefix(h, "x-sallyport-") && !strings.HasPrefix(h, ":")
}

var secretName = regexp.MustCompile(`(?i)auth|secret|token|passw|pwd|credential|key|cookie|signature|session|cert|jwt|private`)

var template = regexp.MustCompile(`\{[A-Za-z_][A-Za-z0-9_.:-]*(\([^}]*\))?\}`)

// headerValue gives {name, value} or the like; nil, and why, if the filter
// cannot make the value.
func (a *api) headerValue(name, text string) (n *yaml.Node, why string) {
	if m := oneVariable.FindStringSubmatch(text); m != nil {
		lower := strings.ToLower(m[1])
		switch lower {
		case "client.ip", "proxy.client.ip", "client.resolved.ip":
			return flow(mapping("name", name, "client_ip", true)), ""
		}
		if rest, ok := strings.CutPrefix(lower, "verifyapikey."); ok && len(a.keys) > 0 {
			if _, attribute, ok := strings.Cut(rest, ".apiproduct."); ok && plainAttribute(attribute) {
				a.wantAttribute(m[1], true)
				return flow(mapping("name", name, "product_attribute", last(m[1]))), ""
			}
			if _, attribute, ok := strings.Cut(rest, ".developer.app."); ok && plainAttribute(attribute) && attribute != "name" && attribute != "id" {
				a.wantAttribute(m[1], false)
				return flow(mapping("name", name, "app_attribute", last(m[1]))), ""
			}
		}
		if claim, ok := strings.CutPrefix(a.claims[lower], "$."); ok && slices.Contains(tokenClaims, claim) && a.token.needed {
			return flow(mapping("name", name, "claim", claim)), ""
		}
		return nil, "the filter does not know the variable"
	}
	switch {
	case template.MatchString(text) || strings.ContainsAny(text, "{}"):
		return nil, "its value is built from variables"
	case secretName.MatchString(name):
		return nil, "its value may be a secret, which the configuration must not contain (Envoy's credential injector may)"
	case text == "" || len(text) > 1024 || strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) >= 0:
		return nil, "its value is empty, too long or not plain text"
	}
	return flow(mapping("name", name, "value", text)), ""
}

// tokenClaims are those that the filter sets headers from.
var tokenClaims = []string{"sub", "iss", "aud", "client_id", "scope"}

func plainAttribute(s string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`).MatchString(s)
}

func last(variable string) string { return variable[strings.LastIndexByte(variable, '.')+1:] }

func (i *importer) wantAttribute(variable string, ofProduct bool) {
	if i.options.Catalog != nil {
		i.options.Catalog.want(last(variable), ofProduct)
	}
}

// fault is an answer as a policy describes it.
type fault struct {
	status  int // 0 when there is none
	headers []*yaml.Node
	kind    string // content type
	body    string
}

const maxFaultBody = 8 << 10

// faultOf reads <Set> of a RaiseFault's FaultResponse or of an AssignMessage.
func faultOf(n *xmltree.Node, d *differences) (f fault, ok bool) {
	set := n.Child("Set")
	if status := set.TextAt("StatusCode"); status != "" {
		code, err := strconv.Atoi(status)
		if err != nil {
			return f, false
		}
		f.status = code
	}
	for _, how := range []string{"Set", "Add"} {
		for _, h := range n.At(how, "Headers").All("Header") {
			name := strings.ToLower(h.Attr("name"))
			switch {
			case name == "content-type":
				f.kind = h.Text
			case !settable(name) || template.MatchString(h.Text) || secretName.MatchString(name) && name != "www-authenticate" || h.Text == "" || strings.ContainsAny(h.Text, "\r\n{}"):
				d.add("without a header of the answer")
			default:
				f.headers = append(f.headers, flow(mapping("name", name, "value", h.Text)))
			}
		}
	}
	if p := set.Child("Payload"); p != nil {
		f.kind = cmp.Or(p.Attr("contentType"), f.kind)
		f.body = p.Text
		variables := template
		if prefix, suffix := p.Attr("variablePrefix"), p.Attr("variableSuffix"); prefix != "" && suffix != "" {
			variables = regexp.MustCompile(regexp.QuoteMeta(prefix) + `[A-Za-z_][A-Za-z0-9_.-]*` + regexp.QuoteMeta(suffix))
		}
		if variables.MatchString(f.body) {
			f.body = variables.ReplaceAllString(f.body, "")
			d.add("without the variables in its body")
		}
		if strings.Contains(f.body, "{{") || len(f.body) > maxFaultBody || strings.IndexFunc(f.body, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' && r != '\r' }) >= 0 {
			f.body = ""
			d.add("without its body, which is too long or cannot be expressed")
		}
	}
	if f.kind != "" && !regexp.MustCompile(`^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+( *; *[A-Za-z0-9=_"-]+)*$`).MatchString(f.kind) {
		f.kind = ""
	}
	return f, true
}

func (f fault) put(m *yaml.Node) {
	if len(f.headers) > 0 {
		put(m, "headers", list(f.headers...))
	}
	if f.body != "" {
		put(m, "content_type", cmp.Or(f.kind, "text/plain"))
		put(m, "body", f.body)
	}
}

func (a *api) raiseFault(v visit) {
	said := v.say(a.context)
	var d differences
	if a.demands(v) {
		a.say(v, report.Carried, "require_token refuses such a token", "")
		return
	}
	if !said.Exact {
		a.deny(v, "its condition looks at what the filter does not know, or cannot be expressed", "if it is harmless, --accept it")
		return
	}
	if v.policy.ContinueOnError {
		d.add("refuses at once, though continueOnError is set")
	}
	f, ok := faultOf(v.policy.XML.Child("FaultResponse"), &d)
	if f.status == 0 {
		f.status = 500
	}
	if !ok || f.status < 200 || f.status > 599 {
		a.deny(v, "its status cannot be read", "fix the policy")
		return
	}
	bodiless := f.status == 204 || f.status == 205 || f.status == 304
	if bodiless {
		f.body = ""
	} else if f.body == "" {
		f.kind = "application/json"
		f.body = fmt.Sprintf(`{"fault":{"faultstring":"Raising fault. Fault name : %s","detail":{"errorcode":"steps.raisefault.RaiseFault"}}}`, fileNameOf(v.policy.Name))
	}
	options := mapping("status", f.status)
	f.put(options)
	if said.Always {
		d.add("it refuses every request that gets there; what comes after it is left out")
		a.closed = true
	}
	a.add(v, step{name: "raise_fault", options: options}, said)
	a.carried(v, d)
}

// demands recognises a fault for a token whose claim is not the required one,
// and makes require_token require it.
func (a *api) demands(v visit) bool {
	if len(v.own) != 1 || !a.token.needed {
		return false
	}
	e, want := v.own[0], condition.NotEqual
	if n, ok := e.(condition.Not); ok {
		e, want = n.Of, condition.Equal
	}
	c, ok := e.(condition.Compare)
	if !ok || c.Op != want || c.Null || c.Bare || c.Value == "" {
		return false
	}
	switch a.claims[strings.ToLower(c.Variable)] {
	case "$.aud":
		a.token.audience = []string{c.Value}
	case "$.iss":
		a.token.issuer = c.Value
	case "$.client_id", "$.cid":
		a.token.clients = []string{c.Value}
	default:
		return false
	}
	return true
}
