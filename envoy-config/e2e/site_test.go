package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/envoydriver"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/verbatim"
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
	t           *testing.T
	module      string // path
	envoy       *envoyrun.Dynamic
	authority   *authority
	backend     *verbatim.Server
	listeners   map[string]any
	connections map[string]uint64 // of the listeners, by worker, when last looked at
	sent        int
	admitted    map[string]bool // marks of the requests that the backend must have seen
	tag         string          // what the names of its VMs end with, in an Envoy that has others' VMs after it
	mark        int             // where its part of Envoy's log begins
}

// sites counts sites with a tag.
var sites atomic.Int64

// siteOptions say what runs in a site.
type siteOptions struct {
	Module      string // path
	Concurrency int    // worker threads; 0 means 1
	// Shared is for an Envoy that other tests have used, and will: its log and the filter's counters do not begin here.
	Shared bool
}

func newSite(t *testing.T, o siteOptions) *site {
	t.Helper()
	s := &site{t: t, module: o.Module, listeners: map[string]any{}, admitted: map[string]bool{}}
	if o.Shared {
		s.tag = fmt.Sprintf(" of site %d", sites.Add(1))
		s.share(o)
	} else {
		s.start(o)
	}
	s.authority = newAuthority(t)
	backend, err := verbatim.NewServer(scenario.DefaultUpstream())
	if err != nil {
		t.Fatal(err)
	}
	s.backend = backend
	t.Cleanup(func() {
		if err := backend.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log("envoy's log:", envoyrun.Warnings(s.envoy.Log().Since(s.mark)))
		}
	})
	s.clustersAt(s.authority.Listener.Addr().String())
	return s
}

// clustersAt points the cluster okta at an address, and backend at the site's own.
func (s *site) clustersAt(okta string) {
	s.t.Helper()
	s.clusters(okta, s.backend.Address())
}

// clusters points the clusters okta and backend at addresses.
func (s *site) clusters(okta, backend string) {
	s.t.Helper()
	var clusters []any
	for kind, address := range map[string]string{"okta": okta, "backend": backend} {
		cluster, err := cluster(kind, kind, address)
		if err != nil {
			s.t.Fatal(err)
		}
		clusters = append(clusters, cluster)
	}
	if ok, err := s.envoy.OfferClusters(s.t.Context(), clusters); err != nil || !ok {
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

func (s *site) listener(p plan) map[string]any {
	s.t.Helper()
	if p.module == "" {
		p.module = s.module
	}
	listener, err := listener(envoydriver.Listener{
		Name: p.name, Backend: "backend", Module: p.module, RootID: "sallyport", Config: p.config,
		Env: map[string]string{"OKTA_CLIENT_SECRET": siteSecret},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	manager := member(any(listener), "filter_chains", 0, "filters", 0, "typed_config").(map[string]any)
	plugin := member(manager, "http_filters", 0, "typed_config", "config").(map[string]any)
	if p.vm != "" {
		plugin["vm_config"].(map[string]any)["vm_id"] = p.vm
	}
	if p.change != nil {
		p.change(listener, manager, plugin)
	}
	if s.tag != "" {
		for _, vm := range machines(manager) {
			if id := fmt.Sprint(vm["vm_id"]); !strings.HasSuffix(id, s.tag) {
				vm["vm_id"] = id + s.tag
			}
		}
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
		s.drained()
	}
	next := maps.Clone(s.listeners)
	next[p.name] = s.listener(p)
	ok, err := s.envoy.OfferListeners(s.t.Context(), slices.Collect(maps.Values(next)), 1)
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
		s.t.Fatalf("envoy refused the listener %s: %v", p.name, envoyrun.Warnings(s.envoy.Log().Since(s.mark)))
	}
}

// withdraw removes the listener and waits until it is drained and gone.
func (s *site) withdraw(name string) {
	s.t.Helper()
	delete(s.listeners, name)
	if ok, err := s.envoy.OfferListeners(s.t.Context(), slices.Collect(maps.Values(s.listeners)), 0); err != nil || !ok {
		s.t.Fatalf("envoy takes the end of the listener %s: %v, %v", name, ok, err)
	}
	s.drained()
}

func (s *site) drained() {
	s.t.Helper()
	if err := s.envoy.Drained(s.t.Context()); err != nil {
		s.t.Fatalf("wait until nothing drains: %v", err)
	}
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
	if err := allReported(s.t.Context(), s.envoy.Process); err != nil {
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
		return s.backend.Total() >= now.Number["cluster.backend.upstream_rq_total"]
	})
}

// settled waits until nothing is under way, and checks that the backend has seen each admitted request, once, and
// nothing else. It answers what the backend saw.
func (s *site) settled() []scenario.Request {
	s.t.Helper()
	s.quiet()
	requests, seen := s.backend.Take(), map[string]bool{}
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

// metricPrefix is what Envoy puts before a guest's names of metrics.
const metricPrefix = "wasmcustom."

// reportTime is after how long the filter has certainly reported: it counts in the VM and reports with each tick, four
// times a second, or later on a machine that has more to do than it can.
const reportTime = 2 * time.Second

// allReported waits until the guests have told Envoy of all that ended before.
func allReported(ctx context.Context, p *envoyrun.Process) error {
	ended := time.Now()
	return p.Poll(ctx, func() (bool, error) { return time.Since(ended) >= reportTime, nil })
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
