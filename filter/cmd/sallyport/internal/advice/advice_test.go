package advice

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
)

const careful = `
version: 1
apis: [{name: a, version: v1, base_path: /a}]
products: [{name: p}]
apps: [{name: x, products: [p], keys: [{id: k, expires: 2027-06-01T00:00:00Z}]}]
sequence:
- spike_arrest: {rate: 1ps}
- verify_api_key: {}
- remove_api_key: {}
- introspect_token: {cluster: okta, client_secret: {env: S}}
- require_token: {audience: [api]}
`

var now = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)

const underscore = "has an underscore: Envoy as configured in envoy.yaml (headers_with_underscores_action: REJECT_REQUEST) answers 400 to every request that has it"

func TestOf(t *testing.T) {
	tests := []struct {
		name, text string
		clusters   []string
		want       []string
	}{
		{"careful", careful, []string{"okta"}, nil},
		{"open api", "apis: [{name: a, version: v1, sequence: []}]", nil, []string{
			"apis[0].sequence: leaves the API a/v1 open: every request reaches the backend"}},
		{"all steps off", "apis: [{name: a}]\nsequence: [{spike_arrest: {enabled: false}}]", nil, []string{
			"apis[0]: is open: the default sequence has no enabled step", "sequence[0].spike_arrest: is switched off"}},
		{"default never used", "apis: [{name: a, sequence: [{spike_arrest: {}}]}]\nsequence: [{spike_arrest: {}}]", nil, []string{
			"sequence: is never used: every API has its own"}},
		{"order", "apis: [{name: a}]\nsequence: [{introspect_token: {client_secret: {inline: x}}}, {spike_arrest: {dry_run: true}}, {require_token: {on_error: continue}}]", nil, []string{
			"sequence[0].introspect_token.client_secret: holds a secret in plain text: anyone who can read the configuration has it; use {env: NAME}",
			"sequence[1].spike_arrest: is in dry run: it refuses nothing",
			"sequence[1].spike_arrest: comes after introspect_token, so a flood reaches the authorization server: put it first",
			"sequence[2].require_token: lets requests pass while it cannot do its work (on_error: continue)",
			"sequence: introspects the token but checks neither issuer nor audience: give require_token an audience. If the server does not say what a token is, only the audience tells an access token for this API from a refresh token or a token for another API"}},
		{"bursts that surprise", "apis: [{name: a}]\nsequence: [{spike_arrest: {rate: 20ps}}, {spike_arrest: {rate: 20ps, burst: 20}}, {spike_arrest: {rate: 200ps}}, {spike_arrest: {rate: 30pm}}, " +
			"{spike_arrest: {limits: [{rate: 99ps}, {rate: 1ps}]}}]", nil, []string{
			"sequence[0].spike_arrest: allows 2 requests at once, the default burst of 20ps, and then one every 50ms: a client that sends more together is refused, although it sends fewer than 20 in a second. Set burst",
			"sequence[4].spike_arrest.limits[0]: allows 9 requests at once, the default burst of 99ps, and then one every 10.1ms: a client that sends more together is refused, although it sends fewer than 99 in a second. Set burst"}},
		{"limits by what the client writes", "apis: [{name: a}]\nsequence: [{spike_arrest: {rate: 1ps, per: 'header:x-tenant', weight: {header: x-weight, max: 5}}}, {verify_api_key: {}}, {remove_api_key: {}}, {spike_arrest: {rate: 1ps, per: 'header:x-tenant'}}]", nil, []string{
			"sequence[0].spike_arrest.per: counts by x-tenant before anybody is authenticated: a client that sends a new value gets a new limit. Put the step after verify_api_key, or use client_ip",
			"sequence[0].spike_arrest.weight: is taken from x-weight: a client that leaves it out pays 1, unless a proxy in front sets it"}},
		{"missing steps", "apis: [{name: a}]\nsequence: [{verify_api_key: {}}, {introspect_token: {cluster: c}}]", []string{"okta", "b"}, []string{
			"sequence: verifies the API key but passes it on to the backend: add remove_api_key",
			"sequence: introspects the token but checks neither issuer nor audience: add require_token with an audience. If the server does not say what a token is, only the audience tells an access token for this API from a refresh token or a token for another API",
			"sequence: has no spike_arrest: nothing protects the other clients from a runaway one",
			`sequence[1].introspect_token.cluster: "c" is not a cluster of the given proxy configuration; it has okta, b`}},
		{"quota", "apis: [{name: a}]\nproducts: [{name: p}, {name: q, quota: {limit: 1, interval: day}}]\nsequence: [{spike_arrest: {}}, {quota: {per: client_ip, limit: 1, interval: day}}, {verify_api_key: {}}, {remove_api_key: {}}, " +
			"{quota: {per: app, mode: exact, engine: {cluster: c}, on_engine_failure: allow}}, {quota: {per: app, mode: exact, engine: {cluster: okta}}}]", []string{"okta"}, []string{
			"sequence[1].quota: comes before verify_api_key, so requests that it refuses are counted too, and a stranger can use up someone else's quota: put quota after it",
			"sequence[4].quota: has no limit, and neither does the product p: its calls are refused with quota.unavailable",
			"sequence[4].quota: lets requests pass while its engine cannot be asked, up to the limit for each Envoy (on_engine_failure: allow)",
			"sequence[5].quota: has no limit, and neither does the product p: its calls are refused with quota.unavailable",
			"sequence[5].quota: counts together with sequence[4].quota, so each request counts twice: give one of them a name",
			`sequence[4].quota.engine.cluster: "c" is not a cluster of the given proxy configuration; it has okta`,
			"products[0]: is not granted to any app", "products[1]: is not granted to any app"}},
		{"key header with an underscore", "apis: [{name: a}]\nsequence: [{spike_arrest: {}}, {verify_api_key: {from: [{header: x-api-key}, {query: api_key}, {header: AUTH_KEY}]}}, {remove_api_key: {}}]", nil, []string{
			`sequence[1].verify_api_key.from[2].header: "AUTH_KEY" has an underscore: Envoy as configured in envoy.yaml (headers_with_underscores_action: REJECT_REQUEST) answers 400 to every request that has it`}},
		{"other headers with an underscore", "apis: [{name: a}]\nsequence: [{spike_arrest: {rate: 1ps, per: 'header:X_TENANT', weight: {header: x_weight, max: 5}, when: {any: [{header: {name: x_a}}, {not: {header: {name: x-b}}}, {all: [{query: {name: q_r}}, {header: {name: x_c}}]}]}}}, " +
			"{verify_api_key: {}}, {remove_api_key: {from: [{header: old_key}]}}, {set_headers: {set: [{name: x_user, value: a}]}}]", nil, []string{
			`sequence[0].spike_arrest.when: "x_a" ` + underscore, `sequence[0].spike_arrest.when: "x_c" ` + underscore,
			"sequence[0].spike_arrest.per: counts by X_TENANT before anybody is authenticated: a client that sends a new value gets a new limit. Put the step after verify_api_key, or use client_ip",
			`sequence[0].spike_arrest.per: "X_TENANT" ` + underscore,
			"sequence[0].spike_arrest.weight: is taken from x_weight: a client that leaves it out pays 1, unless a proxy in front sets it",
			`sequence[0].spike_arrest.weight.header: "x_weight" ` + underscore}},
		{"precheck", "apis: [{name: a}]\nsequence: [{spike_arrest: {}}, {introspect_token: {cluster: okta, precheck: {mode: jwt_then_introspect, jwks: {cluster: c}}}}, " +
			"{introspect_token: {precheck: {mode: jwt_only, jwks: {cluster: okta}}}}, {introspect_token: {cluster: okta, precheck: {mode: jwt_then_introspect, opaque: deny}}}, " +
			"{introspect_token: {cluster: d, precheck: {mode: jwt_only, jwks: {path: /k}}}}, {require_token: {}}]", []string{"okta"}, []string{
			"sequence[1].introspect_token.precheck: lets tokens that are not JWTs through to the authorization server, garbage included: if it issues only JWTs, set opaque: deny",
			"sequence[2].introspect_token.precheck: asks nobody about a token: a revoked one is accepted until it expires",
			"sequence[4].introspect_token.precheck: asks nobody about a token: a revoked one is accepted until it expires",
			`sequence[1].introspect_token.precheck.jwks.cluster: "c" is not a cluster of the given proxy configuration; it has okta`,
			`sequence[4].introspect_token.cluster: "d" is not a cluster of the given proxy configuration; it has okta`}},
		{"when, and what refuses all", "apis: [{name: a}]\nsequence: [{spike_arrest: {}}, {verify_jwt: {when: {method: GET}, jwks: {cluster: c}}}, {cors: {}}, {set_headers: {set: [{name: Authorization, value: s}, {name: x-a, value: b}]}}, " +
			"{raise_fault: {when: {method: GET}}}, {raise_fault: {}}, {require_token: {audience: [a], when: {method: GET}}}]", []string{"okta"}, []string{
			"sequence[1].verify_jwt: applies only to some requests (when): the others pass without it",
			"sequence[2].cors: comes after verify_jwt, which refuses preflights, because they have no key and no token: put it first",
			"sequence[3].set_headers.set[0].value: is the value of authorization in plain text: anyone who can read the configuration has it",
			"sequence[6].require_token: is never reached: sequence[5].raise_fault refuses every request",
			"sequence[6].require_token: applies only to some requests (when): the others pass without it",
			`sequence[1].verify_jwt.jwks.cluster: "c" is not a cluster of the given proxy configuration; it has okta`}},
		{"remove_api_key with a when", "apis: [{name: a}]\nsequence: [{cors: {}}, {spike_arrest: {}}, {verify_api_key: {}}, {remove_api_key: {when: {method: GET}}}]", nil, []string{
			"sequence[3].remove_api_key: removes the key only from some requests (when): the others carry it to the backend"}},
		{"keys", `apps: [{name: x, products: [p], keys: [{expires: 2026-12-31T00:00:00Z}, {id: k, expires: 2027-01-10T12:00:00Z}, {status: pending, expires: 2027-01-10T12:00:00Z}, {status: revoked, expires: 2020-01-01T00:00:00Z}]}, {name: y}]
products: [{name: p}, {name: q}]`, nil, []string{
			"apps[0].keys[0]: expired on 2026-12-31: remove it",
			"apps[0].keys[1]: expires in 9 days, on 2027-01-10: replace it with 'sallyport keys rotate --app x --key k --expires 90d'",
			"apps[1]: has no key, so nobody can call as y",
			"apps[1]: has no product, so all its calls are refused",
			"products[1]: is not granted to any app"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := document.Parse([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range Of(d.Root(), proxyOf(tt.clusters), now) {
				got = append(got, f.Path+": "+f.Message)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTokenKindAdvice: whoever reads neither issuer nor audience cannot tell a
// refresh token of which the server says nothing; that is said, and only then.
func TestTokenKindAdvice(t *testing.T) {
	for sequence, warned := range map[string]bool{
		"[{introspect_token: {}}, {require_token: {scopes: [a]}}]":                                                        true,
		"[{introspect_token: {}}, {require_token: {}}]":                                                                   true,
		"[{introspect_token: {}}]":                                                                                        true,
		"[{introspect_token: {}}, {require_token: {token_type: required, client_ids: [c]}}]":                              true,
		"[{introspect_token: {}}, {require_token: {audience: []}}]":                                                       true,
		"[{introspect_token: {}}, {require_token: {audience: [a], enabled: false}}]":                                      true,
		"[{introspect_token: {}}, {require_token: {audience: [a], dry_run: true}}]":                                       true,
		"[{introspect_token: {precheck: {mode: introspect, audience: [a]}}}]":                                             true,
		"[{introspect_token: {precheck: {mode: jwt_then_introspect, audience: [a]}}}, {require_token: {}}]":               true,
		"[{introspect_token: {dry_run: true, precheck: {mode: jwt_only, audience: [a]}}}]":                                true,
		"[{introspect_token: {}}, {require_token: {audience: [a]}}]":                                                      false,
		"[{introspect_token: {}}, {require_token: {issuer: i}}]":                                                          false,
		"[{introspect_token: {precheck: {mode: jwt_only, audience: [a]}}}]":                                               false,
		"[{introspect_token: {precheck: {mode: jwt_then_introspect, audience: [a], opaque: deny}}}, {require_token: {}}]": false,
		"[{introspect_token: {enabled: false}}, {spike_arrest: {}}]":                                                      false,
		"[{spike_arrest: {}}]": false,
	} {
		d, err := document.Parse([]byte("apis: [{name: a}]\nsequence: " + sequence))
		if err != nil {
			t.Fatal(err)
		}
		got := false
		for _, f := range Of(d.Root(), nil, now) {
			got = got || f.Path == "sequence" && strings.Contains(f.Message, "only the audience tells")
		}
		if got != warned {
			t.Errorf("%s: warned %v, want %v", sequence, got, warned)
		}
	}
}

// proxyOf is a proxy with these clusters and no others; nil for nil.
func proxyOf(names []string) *Clusters {
	if names == nil {
		return nil
	}
	return &Clusters{Names: names}
}

func TestClustersOf(t *testing.T) {
	for text, want := range map[string]*Clusters{
		"static_resources: {clusters: [{name: okta}, {name: backend}]}":                                      {Names: []string{"okta", "backend"}},
		"static_resources: {clusters: [{name: okta}]}\ndynamic_resources: {cds_config: {}}":                  nil,
		"static_resources: {clusters: [{name: okta}]}\ndynamic_resources: {ads_config: {}}":                  nil,
		"static_resources: {clusters: [{name: okta}]}\ndynamic_resources: {lds_config: {}}":                  {Names: []string{"okta"}},
		"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}, {port: 81}]}":        {Names: []string{"outbound|80||a.default.svc.cluster.local", "outbound|81||a.default.svc.cluster.local"}, More: true},
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}":                                               {More: true},
		"apiVersion: v1\nkind: HTTPRoute\nmetadata: {name: a, namespace: b}\nspec: {rules: [{}, {name: x}]}": {Names: []string{"httproute/b/a/rule/0", "httproute/b/a/rule/1"}, More: true},
	} {
		d, err := document.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, ClustersOf([]*yaml.Node{d.Root()})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}
