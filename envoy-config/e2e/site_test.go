package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/sallyport-gateway/sallyport/envoy-config/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

const (
	siteKey    = "key-of-the-site"
	siteSecret = "secret-of-the-site"
	// patience bounds every wait of a test; a machine that is busy may need some of it.
	patience = 30 * time.Second
)

// fullSequence has every step. Its spike arrest never refuses, and its callouts wait as long as any test may hold them.
const fullSequence = `
- spike_arrest: {rate: 1000000pm, burst: 1000000}
- verify_api_key: {from: [{header: x-api-key}, {query: apikey}]}
- remove_api_key: {}
- introspect_token: {cluster: okta, authority: dev.okta.com, path: /v1/introspect, client_id: gw, client_secret: {env: OKTA_CLIENT_SECRET}, timeout: 10s}
- require_token: {issuer: "https://dev.okta.com", audience: [api://default]}
`

// keyAlone asks for no token.
const keyAlone = `
- verify_api_key: {from: [{header: x-api-key}]}
- remove_api_key: {}
`

// site is one Envoy with an authorization server and a backend, and listeners that a test may change while requests
// are under way.
type site struct {
	*Driver
	t           *testing.T
	authority   *authority
	backend     *server
	listeners   map[string]any
	connections map[string]uint64 // of the listeners, by worker, when last looked at
	sent        int
	admitted    map[string]bool // marks of the requests that the backend must have seen
}

func newSite(t *testing.T, o Options) *site {
	t.Helper()
	o.RootID = "sallyport"
	s := &site{Driver: newDriver(t, o), t: t, authority: newAuthority(t), listeners: map[string]any{}, admitted: map[string]bool{}}
	backend, err := newServer(scenario.DefaultUpstream())
	if err != nil {
		t.Fatal(err)
	}
	s.backend = backend
	t.Cleanup(func() {
		if err := backend.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log("envoy's log:", envoyrun.Warnings(s.envoy.Log().Since(0)))
		}
	})
	s.clustersAt(s.authority.Listener.Addr().String())
	return s
}

// clustersAt points the cluster okta at an address, and backend at the site's own.
func (s *site) clustersAt(okta string) {
	s.t.Helper()
	var clusters []any
	for kind, address := range map[string]string{"okta": okta, "backend": s.backend.Address()} {
		cluster, err := upstream{name: kind, address: address}.cluster(kind)
		if err != nil {
			s.t.Fatal(err)
		}
		clusters = append(clusters, cluster)
	}
	if ok, err := s.offer(s.t.Context(), "cluster_manager.cds", cdsFile, clusters); err != nil || !ok {
		s.t.Fatalf("envoy takes the clusters: %v, %v", ok, err)
	}
}

// on is the same site for a subtest.
func (s *site) on(t *testing.T) *site {
	next := *s
	next.t = t
	return &next
}

// plan is a listener to be. Its name begins with "gw".
type plan struct {
	name, vm string // vm is the vm_id; empty: one of its own
	module   string // path; empty: the site's
	config   []byte
	change   func(listener, manager, plugin map[string]any) // may be nil
}

func (s *site) listener(p plan) any {
	s.t.Helper()
	if p.module == "" {
		p.module = s.options.Module
	}
	listener, err := gateway{
		name: p.name, backend: "backend", module: p.module, rootID: s.options.RootID, config: p.config,
		env: map[string]string{"OKTA_CLIENT_SECRET": siteSecret},
	}.listener()
	if err != nil {
		s.t.Fatal(err)
	}
	manager := member(listener, "filter_chains", 0, "filters", 0, "typed_config").(map[string]any)
	plugin := member(manager, "http_filters", 0, "typed_config", "config").(map[string]any)
	if p.vm != "" {
		plugin["vm_config"].(map[string]any)["vm_id"] = p.vm
	}
	if p.change != nil {
		p.change(listener.(map[string]any), manager, plugin)
	}
	return listener
}

// member is what stands at a place in a decoded document that must have it.
func member(node any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			node = node.(map[string]any)[step]
		case int:
			node = node.([]any)[step]
		}
	}
	return node
}

// takes adds the listener, or puts it in the place of the one of that name, and reports whether Envoy took it.
func (s *site) takes(p plan) bool {
	s.t.Helper()
	// A new listener gets the socket of one with the same address that is draining, a version that was updated included,
	// and port 0 is the same address: it would share the port of the newer version.
	if s.listeners[p.name] == nil {
		s.until("nothing drains", drained)
	}
	next := maps.Clone(s.listeners)
	next[p.name] = s.listener(p)
	ok, err := s.offer(s.t.Context(), "listener_manager.lds", ldsFile, slices.Collect(maps.Values(next)))
	if err != nil {
		s.t.Fatalf("offer the listener %s: %v", p.name, err)
	}
	if ok {
		maps.Copy(s.listeners, next)
	}
	return ok
}

func (s *site) serve(p plan) {
	s.t.Helper()
	if !s.takes(p) {
		s.t.Fatalf("envoy refused the listener %s: %v", p.name, s.complaints(s.t.Context(), 0))
	}
}

// withdraw removes the listener and waits until it is drained and gone.
func (s *site) withdraw(name string) {
	s.t.Helper()
	delete(s.listeners, name)
	s.version++
	if err := envoyrun.Publish(s.dir, ldsFile, s.version, slices.Collect(maps.Values(s.listeners))); err != nil {
		s.t.Fatal(err)
	}
	s.until("the listener "+name+" is gone", func(now envoyrun.Stats) bool {
		return now.Text["listener_manager.lds.version_text"] == strconv.Itoa(s.version) && drained(now)
	})
}

// until polls Envoy's statistics.
func (s *site) until(what string, ok func(envoyrun.Stats) bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	var last envoyrun.Stats
	err := s.envoy.Poll(ctx, func() (_ bool, err error) {
		if last, err = s.envoy.Stats(ctx, siteStats); err != nil {
			return false, err
		}
		return ok(last), nil
	})
	if err != nil {
		s.t.Fatalf("wait until %s: %v\n%v", what, err, last)
	}
}

// siteStats are the statistics that the tests of a site read.
const siteStats = `^(http\.gw[^.]*|cluster\.(okta|backend))\.(up|down)stream_(rq_(total|active)|cx_rx_bytes_total)$` +
	`|^listener_manager\.|^listener\..*\.worker_|^wasm\.|^wasmcustom\.`

// reported are the statistics with all that the filter's VMs counted.
func (s *site) reported() map[string]uint64 {
	s.t.Helper()
	if err := allReported(s.t.Context(), s.envoy); err != nil {
		s.t.Fatal(err)
	}
	return s.stats()
}

func (s *site) stats() map[string]uint64 {
	s.t.Helper()
	now, err := s.envoy.Stats(s.t.Context(), siteStats)
	if err != nil {
		s.t.Fatal(err)
	}
	return now.Number
}

func (s *site) metric(name string) uint64 {
	s.t.Helper()
	return s.reported()[metricPrefix+name]
}

// quiet waits until nothing is under way and the backend has seen what was sent to it.
func (s *site) quiet() {
	s.t.Helper()
	s.until("nothing is under way", func(now envoyrun.Stats) bool {
		for name, value := range now.Number {
			if strings.HasSuffix(name, "_rq_active") && value > 0 {
				return false
			}
		}
		return s.backend.seenInAll() >= now.Number["cluster.backend.upstream_rq_total"]
	})
}

// settled waits until nothing is under way, and checks that the backend has seen each admitted request, once, and
// nothing else. It answers what the backend saw.
func (s *site) settled() []scenario.Request {
	s.t.Helper()
	s.quiet()
	requests, seen := s.backend.take(), map[string]bool{}
	for _, r := range requests {
		mark := scenario.HeaderValue(r.Headers, "x-mark")
		if seen[mark] || !s.admitted[mark] {
			s.t.Errorf("the backend saw the request %s, which was not admitted, or twice: %s %s", mark, r.Method, r.Target)
		}
		if scenario.HeaderValue(r.Headers, "x-api-key") != "" {
			s.t.Errorf("the backend saw the key of %s", mark)
		}
		seen[mark] = true
	}
	for mark, admitted := range s.admitted {
		if admitted && !seen[mark] {
			s.t.Errorf("the backend did not see the request %s", mark)
		}
	}
	clear(s.admitted)
	return requests
}

// policies is a configuration with one API, one app and this sequence.
func policies(t *testing.T, sequence string) []byte {
	t.Helper()
	digest := sha256.Sum256([]byte(siteKey))
	document, err := yaml.YAMLToJSON([]byte(`
version: 1
apis: [{name: customers, version: v1, hosts: [api.example.com], base_path: /customers/v1}]
products: [{name: portal, apis: [{name: customers}], scopes: [customers.read]}]
apps: [{name: portal-app, developer: dev@example.com, products: [portal], keys: [{id: k1, sha256: ` + hex.EncodeToString(digest[:]) + `}]}]
sequence:
` + sequence))
	if err != nil {
		t.Fatalf("convert the configuration: %v", err)
	}
	return document
}
