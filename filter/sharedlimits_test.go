package main_test

import (
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// asking is an introspect_token step with more members.
func asking(members string) string {
	return "- introspect_token: {cluster: okta, authority: dev.okta.com, path: /oauth2/default/v1/introspect, client_id: gw, timeout: 1s, " + members + "}\n"
}

const (
	withSecret = "client_secret: {env: OKTA_CLIENT_SECRET}, "
	keysAt     = `jwks: {path: /oauth2/default/v1/keys}, issuer: "https://dev.okta.com/oauth2/default"`
)

var limitsChanged = []struct {
	name          string
	before, after string // members
	passes        time.Duration
	answer        upstream.Answer // from the update on
	want          outcome
	calls         int // of the first request after the update; the second worker's needs none when it is let in
}{
	{"nothing", withSecret + `cache: {max_ttl: 1h}`, withSecret + `cache: {max_ttl: 1h}`, 5 * time.Second, inactive(), admitted, 0},
	{"a shorter max_ttl", withSecret + `cache: {max_ttl: 1h}`, withSecret + `cache: {max_ttl: 1s}`, 5 * time.Second, inactive(), outcome{status: 401, reason: "token.inactive"}, 1},
	{"a shorter max_ttl that is not over", withSecret + `cache: {max_ttl: 1h}`, withSecret + `cache: {max_ttl: 10s}`, 5 * time.Second, inactive(), admitted, 0},
	{"a longer max_ttl", withSecret + `cache: {max_ttl: 1s}`, withSecret + `cache: {max_ttl: 1h}`, 5 * time.Second, inactive(), outcome{status: 401, reason: "token.inactive"}, 1},
	{"no cache", withSecret + `cache: {max_ttl: 1h}`, withSecret + `cache: "off"`, 0, inactive(), outcome{status: 401, reason: "token.inactive"}, 1},
	{"no stale answers", withSecret + `cache: {max_ttl: 1s}, stale_if_error: 1h`, withSecret + `cache: {max_ttl: 1s}`, 5 * time.Second, upstream.Respond(500, ""), outcome{status: 503, reason: "introspection.server_error"}, 1},
	{"stale answers", withSecret + `cache: {max_ttl: 1s}`, withSecret + `cache: {max_ttl: 1s}, stale_if_error: 1h`, 5 * time.Second, upstream.Respond(500, ""), admitted, 1},
	{"another secret", withSecret + `cache: {max_ttl: 1h}`, `client_secret: {inline: other}, cache: {max_ttl: 1h}`, 0, upstream.Respond(401, ""), outcome{status: 500, reason: "introspection.credentials_refused"}, 1},
	{"another way to prove it", withSecret, withSecret + `client_auth: client_secret_post`, 0, upstream.Respond(401, ""), outcome{status: 500, reason: "introspection.credentials_refused"}, 1},
	{"another audience", withSecret + `precheck: {mode: jwt_then_introspect, audience: [api://default], ` + keysAt + `}`,
		withSecret + `precheck: {mode: jwt_then_introspect, audience: [api://other], ` + keysAt + `}`, 0, active(), outcome{status: 401, reason: "token.audience_mismatch"}, 0},
	{"one audience more", withSecret + `precheck: {mode: jwt_then_introspect, audience: [api://default], ` + keysAt + `}`,
		withSecret + `precheck: {mode: jwt_then_introspect, audience: [api://other, api://default], ` + keysAt + `}`, 0, inactive(), admitted, 0},
	{"a precheck", withSecret, withSecret + `precheck: {mode: jwt_then_introspect, audience: [api://other], ` + keysAt + `}`, 0, active(), outcome{status: 401, reason: "token.audience_mismatch"}, 0},
	{"other algorithms", withSecret + `precheck: {mode: jwt_then_introspect, audience: [api://default], ` + keysAt + `}`,
		withSecret + `precheck: {mode: jwt_then_introspect, audience: [api://default], algorithms: [ES256], ` + keysAt + `}`, 0, active(), outcome{status: 401, reason: "token.algorithm_refused"}, 0},
}

// TestSharedLimitsOnReload: what was learned under one configuration is used under the next one as far as that one
// allows, by all workers.
func TestSharedLimitsOnReload(t *testing.T) {
	o := newOrg(t)
	token := o.token(t)
	for _, tt := range limitsChanged {
		t.Run(tt.name, func(t *testing.T) {
			now := active()
			g := start(t, module(t), configuration(t, asking(tt.before)), hostsim.WithWorkers(2), hostsim.WithCluster("okta", upstream.ClusterFunc(func(c upstream.Call) upstream.Answer {
				if path, _ := c.Headers.Get(":path"); path == "/oauth2/default/v1/keys" {
					return o.Answer(c)
				}
				return now
			})))
			introspections := func() (n int) {
				for _, c := range g.Process().Calls() {
					if path, _ := c.Headers.Get(":path"); path == "/oauth2/default/v1/introspect" {
						n++
					}
				}
				return n
			}
			on := func(worker int) hostsim.Request {
				r := request(token)
				r.Worker = worker
				return r
			}
			for worker := range 2 {
				r, x := g.do(on(worker))
				g.must("before", r, x, admitted)
			}
			if introspections() == 0 {
				t.Fatal("no call")
			}
			g.update(configuration(t, asking(tt.after)))
			g.Drain()
			g.Advance(tt.passes)
			now = tt.answer
			before := introspections()
			for worker := range 2 {
				r, x := g.do(on(worker))
				g.must("after", r, x, tt.want)
				if worker == 0 && introspections()-before != tt.calls {
					t.Errorf("%d calls, want %d", introspections()-before, tt.calls)
				}
			}
		})
	}
}
