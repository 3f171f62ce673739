package apigee

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/report"
)

// tokenRules are what require_token requires.
type tokenRules struct {
	needed   bool // a token is introspected
	issuer   string
	audience []string
	clients  []string
	scopes   []string
}

// server is an endpoint of an authorization server.
type server struct{ authority, path string }

func serverOf(text string) (s server, ok bool) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Path == "" || strings.ContainsAny(text, "{}") {
		return s, false
	}
	return server{strings.ToLower(u.Host), u.EscapedPath()}, true
}

// cluster is the proxy's name for a server: each host has its own.
func (s server) cluster() string { return strings.ReplaceAll(s.authority, ":", "-") }

var okta = regexp.MustCompile(`^(/oauth2/[A-Za-z0-9]+)/v1/introspect$`)

// issuer is known for a custom authorization server of Okta.
func (s server) issuer() string {
	if m := okta.FindStringSubmatch(s.path); m != nil {
		return "https://" + s.authority + m[1]
	}
	return ""
}

// variable asks for an environment variable, and gives its name.
func (a *api) variable(policy, suffix, holds string) string {
	name := strings.Trim(regexp.MustCompile(`[^A-Z0-9]+`).ReplaceAllString(strings.ToUpper(policy+"_"+suffix), "_"), "_")
	if name[0] >= '0' && name[0] <= '9' {
		name = "P_" + name
	}
	const longest = 100
	name = name[:min(len(name), longest)]
	v := report.Variable{Name: name, Holds: holds}
	if !slices.Contains(a.report.Variables, v) {
		a.report.Variables = append(a.report.Variables, v)
	}
	return name
}

// introspect adds introspect_token; the client's secret stays where it is.
func (a *api) introspect(v visit, s server, clientID string) {
	if clientID == "" {
		clientID = a.options.ClientID
	}
	if clientID == "" {
		clientID = "set-the-client-id"
		a.todo("write the gateway's client_id into introspect_token (now " + clientID + "), or import again with --client-id")
	}
	secret := a.variable(v.policy.Name, "CLIENT_SECRET", "the client secret that the gateway uses at https://"+s.authority)
	a.token.needed = true
	a.authenticate(v, step{name: "introspect_token", options: mapping("cluster", s.cluster(), "authority", s.authority, "path", s.path,
		"client_id", clientID, "client_secret", flow(mapping("env", secret)))})
}

func (i *importer) todo(s string) {
	if !slices.Contains(i.report.Next, s) {
		i.report.Next = append(i.report.Next, s)
	}
}

// forWhom makes sure that a token for somebody else does not pass.
func (a *api) forWhom(s server, d *differences) (ok bool) {
	if len(a.options.Audience) > 0 || a.options.Issuer != "" {
		a.token.audience, a.token.issuer = a.options.Audience, a.options.Issuer
		d.add("issuer and audience must be those of the command line, which Apigee does not check")
		return true
	}
	if issuer := s.issuer(); issuer != "" {
		a.token.issuer = issuer
		d.add("the token must be from the issuer " + issuer + ", which Apigee does not check; better, name an audience with --audience")
		return true
	}
	return false
}

// oauth: Apigee's own tokens end with Apigee; those of the issuer that the user
// names take their place.
func (a *api) oauth(v visit) {
	x := v.policy.XML
	if operation := x.TextAt("Operation"); !strings.EqualFold(operation, "VerifyAccessToken") {
		a.deny(v, "it is Apigee's own token service, which ends with Apigee", "an authorization server such as Okta, called by clients directly")
		return
	}
	if ref := strings.ToLower(x.TextAt("AccessToken")); ref != "" && ref != "request.header.authorization" {
		a.deny(v, "the token does not come in the Authorization header", "introspect_token, with the token in that header")
		return
	}
	if p := x.TextAt("AccessTokenPrefix"); p != "" && !strings.EqualFold(p, "Bearer") {
		a.deny(v, "the token comes with a scheme other than Bearer", "introspect_token, with Bearer")
		return
	}
	d := differences{"the token is from the authorization server, not Apigee's: clients get theirs there, and its scopes grant what products did"}
	v.goesOn(&d)
	a.everyRequest(v, &d)
	scopes := strings.Fields(x.TextAt("Scope"))
	if s, ok := serverOf(a.options.Introspection); ok {
		if !a.forWhom(s, &d) {
			a.deny(v, "it is not known who the token is for", "--audience or --issuer")
			return
		}
		a.introspect(v, s, "")
	} else if step, why := a.jwt(a.options.JWKS, a.options.Issuer, a.options.Audience, nil); why == "" {
		a.authenticate(v, step)
		a.token.needed = a.token.needed || len(scopes) > 0
	} else {
		a.deny(v, "it checks Apigee's own tokens, which end with Apigee", "name the authorization server: --introspection URL and --audience, or --jwks URL, --issuer and --audience")
		return
	}
	if len(scopes) > 1 {
		d.add("all of the scopes are required, where Apigee requires one of them")
	}
	a.scopes(scopes)
	for _, prefix := range []string{"oauthv2"} {
		a.failing(prefix, v)
	}
	a.carried(v, d)
}

func (a *api) scopes(list []string) {
	for _, s := range list {
		if !slices.Contains(a.token.scopes, s) {
			a.token.scopes = append(a.token.scopes, s)
		}
	}
}

// jwt makes verify_jwt; why says what is missing.
func (a *api) jwt(jwks, issuer string, audience, algorithms []string) (s step, why string) {
	keys, ok := serverOf(jwks)
	switch {
	case !ok:
		return s, "the address of the issuer's keys is not an https URL"
	case issuer == "" || len(audience) == 0:
		return s, "issuer or audience is not in the policy"
	}
	options := mapping("jwks", flow(mapping("cluster", keys.cluster(), "authority", keys.authority, "path", keys.path)), "issuer", issuer, "audience", audience)
	if len(algorithms) > 0 {
		put(options, "algorithms", algorithms)
	}
	return step{name: "verify_jwt", options: options}, ""
}

var jwtKnows = []string{"Algorithm", "Source", "PublicKey", "Issuer", "Audience", "IgnoreUnresolvedVariables", "DisplayName", "Properties", "TimeAllowance", "Type"}

func (a *api) verifyJWT(v visit) {
	x := v.policy.XML
	const instead = "verify_jwt, as far as it goes"
	for _, c := range x.Children {
		if !slices.ContainsFunc(jwtKnows, func(known string) bool { return strings.EqualFold(known, c.Name) }) {
			a.deny(v, "it checks more than issuer, audience, times and signature by the issuer's keys", instead)
			return
		}
	}
	if source := strings.ToLower(x.TextAt("Source")); source != "" && source != "request.header.authorization" {
		if p, ok := a.placeOf(source); !ok || p.header != "authorization" || !strings.EqualFold(p.scheme, "Bearer") {
			a.deny(v, "the token does not come in the Authorization header", "verify_jwt, with the token in that header")
			return
		}
	}
	var d differences
	v.goesOn(&d)
	a.everyRequest(v, &d)
	var algorithms []string
	for _, alg := range strings.FieldsFunc(x.TextAt("Algorithm"), func(r rune) bool { return r == ',' || r == ' ' }) {
		if alg != "RS256" && alg != "ES256" {
			a.deny(v, "an algorithm other than RS256 and ES256", "verify_jwt, where the issuer signs with one of these")
			return
		}
		algorithms = append(algorithms, alg)
	}
	jwks := x.At("PublicKey", "JWKS")
	address := jwks.Attr("uri")
	if address == "" && (jwks.Attr("uriRef") != "" || jwks.Attr("ref") != "" || x.At("PublicKey", "Value") != nil || x.At("PublicKey", "Certificate") != nil || jwks != nil) {
		address = a.options.JWKS
		d.add("the keys are those of --jwks")
	}
	issuer, audience := x.TextAt("Issuer"), splitList(x.TextAt("Audience"))
	if issuer == "" {
		issuer = a.options.Issuer
		d.add("the issuer must be that of --issuer")
	}
	if len(audience) == 0 {
		audience = a.options.Audience
		d.add("the audience must be that of --audience")
	}
	s, why := a.jwt(address, issuer, audience, algorithms)
	if why != "" {
		a.deny(v, why, "name them: --jwks URL, --issuer, --audience")
		return
	}
	if allowance := x.TextAt("TimeAllowance"); allowance != "" {
		d.add("no time allowance: clocks must be right, or set clock_skew")
	}
	a.failing("jwt", v)
	a.authenticate(v, s)
	a.carried(v, d)
}

func splitList(s string) (list []string) {
	for _, item := range strings.Split(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

// requireToken gives the step, nil when there is nothing to require.
func (a *api) requireToken() *yaml.Node {
	t := a.token
	if !t.needed {
		return nil
	}
	options := mapping()
	if t.issuer != "" {
		put(options, "issuer", t.issuer)
	}
	if len(t.audience) > 0 {
		put(options, "audience", t.audience)
	}
	if len(t.clients) > 0 {
		put(options, "client_ids", t.clients)
	}
	if len(t.scopes) > 0 {
		put(options, "scopes", t.scopes)
	}
	return options
}
