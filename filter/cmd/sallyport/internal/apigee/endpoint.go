package apigee

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/condition"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/proxy"
)

// step is a step of the configuration.
type step struct {
	name    string
	options *yaml.Node // a mapping
	when    *condition.When
	comment string
	policy  string // that it was made from, "" for a step that Apigee does not have
	visit   string // of the policy, "" for all of them
}

// api is a ProxyEndpoint on its way to becoming an API.
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
	remover string              // the policy that removes them, "" for none
	changed map[string]bool     // flow variables, in lower case, that an earlier step has changed
	token   tokenRules          // what require_token requires
	claims  map[string]string   // variables with what the server answered, by name
	places  map[string]place    // variables that ExtractVariables takes from a request
	authed  map[string]bool     // steps that find out who calls, each once
	closed  bool                // a step denies every request
	notes   map[string][]string // by policy: further remarks
}

type known struct {
	value string
	null  bool
}

// place is a header or a query parameter, and what comes before the value in
// it.
type place struct{ header, query, scheme string }

// The default for APIs that Apigee does not limit: check requires a limit on
// each.
const runawayRate = "10000ps"

var versionLevel = regexp.MustCompile(`(?i)(?:^|/|-)(v[0-9][0-9.]*)(?:/|$)`)

// endpoint makes an API and its part of the report.
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

// isChanged treats message as request, as Apigee does in a request flow.
func (a *api) isChanged(variable string) bool {
	if rest, ok := strings.CutPrefix(variable, "message."); ok {
		variable = "request." + rest
	}
	kind := variable[:strings.LastIndexByte(variable, '.')+1]
	return a.changed[variable] || a.changed[kind+"*"]
}

var goodBase = regexp.MustCompile(`^/[A-Za-z0-9/._~-]*$`)

// basePath cuts a base path at its first wildcard; then literal is false.
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
		a.problem(a.endpoint.Place, "the base path has characters that the gateway does not accept: letters, digits, \"/\" and \"-._~\" are")
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
