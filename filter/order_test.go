package main_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// laterSteps leave a trace each when they run: a counter in the shared data, a dry-run metric, a call to the cluster
// "later".
const laterSteps = `
- spike_arrest: {rate: 1000ps, per: client_ip}
- verify_api_key: {from: [{header: x-never-sent}], dry_run: true}
- introspect_token: {cluster: later, authority: a, path: /, client_id: gw, client_secret: {inline: s3cret-of-later}, cache: "off"}
- require_token: {}
`

const (
	orderIntrospection = `- introspect_token: {cluster: okta, authority: a, path: /, client_id: gw, client_secret: {env: OKTA_CLIENT_SECRET}, cache: "off"}`
	laterMetric        = "sallyport_dry_run.sp_reason=api_key.missing|"
)

// TestOrder: a refusal at a step means that no later step ran. Each case first sends a request that the step lets pass,
// to see that the later steps leave the traces by which they would be found out.
func TestOrder(t *testing.T) {
	for _, tt := range orderCases() {
		t.Run(tt.name, func(t *testing.T) {
			g := start(t, module(t), configuration(t, tt.first+laterSteps), hostsim.WithCluster("later", active()))
			r, x := g.do(request("token"))
			g.must("a request that no step refuses", r, x, admitted)
			if got := callsTo(x, "later"); got != 1 || len(g.Process().SharedData("")) == 0 || g.metric(laterMetric) != 1 {
				t.Fatalf("the later steps left %d calls, %d keys, metrics %v: their traces cannot be told", got, len(g.Process().SharedData("")), g.metrics())
			}

			data, metrics := g.Process().SharedData(""), g.metrics()
			g.okta.set(tt.okta)
			tt.bad.Method, tt.bad.Body, tt.bad.BodyIn = "POST", []byte("a body in some pieces"), 5
			r, x = g.do(tt.bad)
			g.must("a request that the step refuses", r, x, tt.want)
			// What calls come to is noted for each server; that no later one was called is checked below. What is recorded
			// of a refusal's end is not a step's doing.
			if diff := cmp.Diff(data, g.Process().SharedData(""), cmpopts.IgnoreMapEntries(func(key string, _ []byte) bool {
				return strings.Contains(key, "/outage/") || strings.Contains(key, "/usage/")
			})); diff != "" {
				t.Errorf("shared data changed (-before +after):\n%s", diff)
			}
			if okta, later := callsTo(x, "okta"), callsTo(x, "later"); okta != tt.calls || later != 0 {
				t.Errorf("%d calls to okta and %d by a later step, want %d and none", okta, later, tt.calls)
			}
			metrics["sallyport_decisions.sp_decision=deny|sp_reason="+tt.want.reason+"|"]++
			if tt.calls > 0 {
				metrics["sallyport_callouts"] += uint64(tt.calls)
			}
			if diff := cmp.Diff(metrics, g.metrics(), cmpopts.IgnoreMapEntries(func(name string, _ uint64) bool {
				return strings.HasPrefix(name, "sallyport_introspection_") || strings.HasPrefix(name, "sallyport_usage.")
			})); diff != "" {
				t.Errorf("metrics (-want +got):\n%s", diff)
			}
		})
	}
}

type orderCase struct {
	name  string
	first string // the steps before the later ones; the last of them refuses
	bad   hostsim.Request
	okta  upstream.Answer // to the bad request
	want  outcome
	calls int // to okta
}

func orderCases() []orderCase {
	without := func(name string) hostsim.Request {
		r := request("token")
		for i, h := range r.Headers {
			if h.Name == name {
				r.Headers = append(r.Headers[:i:i], r.Headers[i+1:]...)
			}
		}
		return r
	}
	to := func(path string) hostsim.Request {
		r := request("token")
		r.Path = path
		return r
	}
	withKey := func(key string) hostsim.Request {
		r := without("x-api-key")
		r.Headers = append(r.Headers, abi.Header{Name: "x-api-key", Value: key})
		return r
	}
	return []orderCase{
		{name: "no step: the path", bad: to("/customers/v1/%2e%2e/admin"), want: outcome{status: 400, reason: "request.path_ambiguous"}},
		{name: "no step: the API", bad: to("/nobody"), want: outcome{status: 404, reason: "api.unknown"}},
		{name: "no step: the target", bad: to("http://api.example.com/customers/v1/"), want: outcome{status: 400, reason: "request.malformed"}},
		{name: "spike_arrest", first: `- spike_arrest: {rate: 1pm}`, bad: request("token"), want: outcome{status: 429, reason: "spike_arrest.exceeded"}},
		{name: "verify_api_key: no key", first: `- verify_api_key: {from: [{header: x-api-key}]}`, bad: without("x-api-key"),
			want: outcome{status: 401, reason: "api_key.missing"}},
		{name: "verify_api_key: another key", first: `- verify_api_key: {from: [{header: x-api-key}]}`, bad: withKey("key-of-nobody"),
			want: outcome{status: 401, reason: "api_key.unknown"}},
		{name: "verify_api_key: two keys", first: "- verify_api_key: {from: [{header: x-api-key}, {query: apikey}]}\n- remove_api_key: {}",
			bad: to("/customers/v1/orders/7?apikey=" + goodKey), want: outcome{status: 401, reason: "api_key.ambiguous"}},
		{name: "introspect_token: no token", first: orderIntrospection, bad: without("authorization"),
			want: outcome{status: 401, reason: "token.missing"}},
		{name: "introspect_token: inactive", first: orderIntrospection, bad: request("token"), okta: inactive(),
			want: outcome{status: 401, reason: "token.inactive"}, calls: 1},
		{name: "introspect_token: no answer", first: orderIntrospection, bad: request("token"), okta: upstream.Fail(upstream.FaultTimeout),
			want: outcome{status: 503, reason: "introspection.timeout"}, calls: 1},
		{name: "introspect_token: no such cluster", first: orderIntrospection, bad: request("token"), okta: upstream.Fail(upstream.FaultUnknown),
			want: outcome{status: 500, reason: "introspection.unknown_cluster"}},
		{name: "introspect_token: no endpoint", first: orderIntrospection, bad: request("token"), okta: upstream.Fail(upstream.FaultNoEndpoints),
			want: outcome{status: 503, reason: "introspection.no_host"}},
		{name: "require_token: the issuer", first: orderIntrospection + "\n- require_token: {issuer: \"https://dev.okta.com\"}", bad: request("token"),
			okta: upstream.Respond(200, `{"active":true,"iss":"https://elsewhere"}`), want: outcome{status: 401, reason: "token.issuer_mismatch"}, calls: 1},
		{name: "require_token: the scope", first: orderIntrospection + "\n- require_token: {scopes: [customers.read]}", bad: request("token"),
			okta: upstream.Respond(200, `{"active":true,"scope":"openid"}`), want: outcome{status: 403, reason: "token.scope_insufficient"}, calls: 1},
	}
}

// callsTo counts the calls that left the proxy.
func callsTo(x hostsim.Exchange, cluster string) int {
	n := 0
	for _, c := range x.Calls {
		if c.Cluster == cluster && c.Status == abi.StatusOK {
			n++
		}
	}
	return n
}
