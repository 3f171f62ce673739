package main_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

const (
	goodKey    = "key-of-the-portal"
	oktaSecret = "secret-of-the-gateway"
	calloutEnd = time.Second // timeout of introspect_token in fullSequence
)

// fullSequence has every step. Its spike arrest never refuses on its own.
const fullSequence = `
- spike_arrest: {rate: 1000000pm, burst: 1000000, per: client_ip}
- verify_api_key: {from: [{header: x-api-key}, {query: apikey}]}
- remove_api_key: {}
- introspect_token: {cluster: okta, authority: dev.okta.com, path: /v1/introspect, client_id: gw, client_secret: {env: OKTA_CLIENT_SECRET}, timeout: 1s}
- require_token: {issuer: "https://dev.okta.com", audience: [api://default]}
`

// configuration is one API at /customers/v1 with this sequence, and one app.
func configuration(t testing.TB, sequence string) []byte {
	t.Helper()
	digest := sha256.Sum256([]byte(goodKey))
	text := `
version: 1
apis: [{name: customers, version: v1, hosts: [api.example.com], base_path: /customers/v1}]
products: [{name: portal, apis: [{name: customers}], scopes: [customers.read]}]
apps: [{name: portal-app, developer: dev@example.com, products: [portal], keys: [{id: k1, sha256: ` + hex.EncodeToString(digest[:]) + `}]}]
sequence:
` + sequence
	document, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatalf("convert the configuration: %v", err)
	}
	return document
}

// gateway is the compiled filter on a simulated host.
type gateway struct {
	*hostsim.Host
	t    testing.TB
	okta *authorizationServer
}

// authorizationServer answers the introspection calls as the test says.
type authorizationServer struct {
	mu     sync.Mutex
	answer func(upstream.Call) upstream.Answer
}

func (a *authorizationServer) Answer(c upstream.Call) upstream.Answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.answer(c)
}

func (a *authorizationServer) set(answer upstream.Answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = func(upstream.Call) upstream.Answer { return answer }
}

// start brings up a gateway whose authorization server knows every token.
func start(t testing.TB, m *hostsim.Module, config []byte, options ...hostsim.Option) *gateway {
	t.Helper()
	okta := &authorizationServer{}
	okta.set(active())
	all := append([]hostsim.Option{
		hostsim.WithConfig(config),
		hostsim.WithEnv(map[string]string{"OKTA_CLIENT_SECRET": oktaSecret}),
		hostsim.WithCluster("okta", okta),
		hostsim.WithConnectionManager(hostsim.ConnectionManager{UseRemoteAddress: true}),
	}, options...)
	h, err := m.New(t.Context(), all...)
	if err != nil {
		t.Fatalf("start the gateway: %v", err)
	}
	t.Cleanup(func() {
		if err := h.Process().Close(context.Background()); err != nil {
			t.Errorf("close the gateway: %v", err)
		}
	})
	return &gateway{Host: h, t: t, okta: okta}
}

// active is what the authorization server says of a good token.
func active() upstream.Answer { return activeFor("jane") }

func activeFor(subject string) upstream.Answer {
	exp := hostsim.DefaultStart.Add(24 * time.Hour).Unix()
	return upstream.Respond(200, `{"active":true,"token_type":"Bearer","scope":"openid customers.read","client_id":"portal",`+
		`"sub":`+strconv.Quote(subject)+`,"exp":`+strconv.FormatInt(exp, 10)+`,"aud":"api://default","iss":"https://dev.okta.com"}`,
		"content-type", "application/json")
}

func inactive() upstream.Answer {
	return upstream.Respond(200, `{"active":false}`, "content-type", "application/json")
}

// request is one that the full sequence admits, with more header names and values in turn.
func request(token string, more ...string) hostsim.Request {
	r := hostsim.Request{
		Path: "/customers/v1/orders/7", Authority: "api.example.com",
		Headers: abi.Headers{{Name: "x-api-key", Value: goodKey}, {Name: "authorization", Value: "Bearer " + token}},
	}
	for i := 0; i+1 < len(more); i += 2 {
		r.Headers = append(r.Headers, abi.Header{Name: more[i], Value: more[i+1]})
	}
	return r
}

// do plays one request, to its end.
func (g *gateway) do(r hostsim.Request) (hostsim.Response, hostsim.Exchange) {
	g.t.Helper()
	response, exchange, err := g.Do(g.t.Context(), r)
	if err != nil {
		g.t.Fatalf("play a request: %v", err)
	}
	return response, exchange
}

// begin starts a request and leaves the clock alone.
func (g *gateway) begin(r hostsim.Request) *hostsim.Pending {
	g.t.Helper()
	p, err := g.Start(r)
	if err != nil {
		g.t.Fatalf("start a request: %v", err)
	}
	return p
}

// outcome is how an exchange ended: its status, its reason when it was refused, and whether the backend saw it.
type outcome struct {
	status  int
	reason  string
	backend bool
}

var admitted = outcome{status: 200, backend: true}

func outcomeOf(r hostsim.Response, x hostsim.Exchange) outcome {
	reason, _ := r.Headers.Get("x-sallyport-reason")
	return outcome{r.Status, reason, x.Upstream != nil}
}

// must holds an exchange against how it should have ended.
func (g *gateway) must(what string, r hostsim.Response, x hostsim.Exchange, want outcome) {
	g.t.Helper()
	if got := outcomeOf(r, x); got != want {
		g.t.Errorf("%s: got %+v, want %+v (details %q)", what, got, want, x.Details)
	}
}

// ends waits for a pending exchange and holds it against how it should end.
func (g *gateway) ends(what string, p *hostsim.Pending, want outcome) hostsim.Exchange {
	g.t.Helper()
	r, x, err := p.Wait(g.t.Context())
	if err != nil {
		g.t.Fatalf("%s: %v", what, err)
	}
	g.must(what, r, x, want)
	return x
}

// reported lets every VM report what it counted: it does with each tick.
func (g *gateway) reported() {
	g.t.Helper()
	g.Advance(250 * time.Millisecond)
}

// metric is one metric, with all that was counted.
func (g *gateway) metric(name string) uint64 {
	g.t.Helper()
	g.reported()
	return g.Process().Metric(name)
}

// metrics are all metrics by name, those that are 0 left out, with all that was counted.
func (g *gateway) metrics() map[string]uint64 {
	g.t.Helper()
	g.reported()
	all := map[string]uint64{}
	for _, m := range g.Process().Metrics() {
		if m.Value != 0 {
			all[m.Name] = m.Value
		}
	}
	return all
}

func (g *gateway) decisions(reason string) uint64 {
	if reason == "" {
		return g.metric("sallyport_decisions.sp_decision=allow|")
	}
	return g.metric("sallyport_decisions.sp_decision=deny|sp_reason=" + reason + "|")
}

// logText is the whole log, a line each.
func (g *gateway) logText() string {
	var b strings.Builder
	for _, l := range g.Log() {
		b.WriteString(l.Level.String() + ": " + l.Message + "\n")
	}
	return b.String()
}
