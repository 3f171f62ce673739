package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/sallyport-gateway/sallyport/envoy-config/promtest"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
)

// observedPolicies are two versions of an API and three apps. The key of an app is its name.
const observedPolicies = `
version: 1
apis:
- {name: customers, version: v1, base_path: /customers/v1}
- {name: customers, version: v2, base_path: /customers/v2}
- name: burst
  version: v1
  base_path: /burst
  sequence: [{spike_arrest: {rate: 1pm, burst: 1}}, {quota: {per: api, limit: 1, interval: minute}}]
products:
- {name: portal, apis: [{name: customers}], scopes: [customers.read]}
- {name: new, apis: [{name: customers, version: v2}], scopes: [customers.read]}
apps:
- {name: web, developer: d@example.com, products: [portal], keys: [{id: k-web, sha256: %s}]}
- {name: mobile, developer: d@example.com, products: [new], keys: [{id: k-mobile, sha256: %s}]}
- {name: gone, developer: d@example.com, products: [portal], keys: [{id: k-gone, sha256: %s, status: revoked}]}
sequence:
- verify_api_key: {from: [{header: x-api-key}]}
- remove_api_key: {}
- introspect_token: {cluster: okta, authority: dev-123456.okta.com, path: /v1/introspect, client_id: 0oa1gateway, client_secret: {env: OKTA_CLIENT_SECRET}}
- require_token: {}
`

// observed is the shipped Envoy with two workers, and a Prometheus with the shipped configuration, but for addresses and
// intervals.
type observed struct {
	envoy      *envoyrun.Process
	client     *http.Client
	prometheus string // URL
	strangers  atomic.Int64
}

func newObserved(t *testing.T) *observed {
	t.Helper()
	promtest.Need(t)
	w := newWorld(t)
	certificate := issued(t)
	w.deployment.Backend.Address = w.serve(t, certificate(w.ca.Server(backend)), true, func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/customers/v1/fails" {
			rw.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = io.WriteString(rw, "orders")
	})
	w.deployment.Okta.Address = w.serve(t, certificate(w.ca.Server("*.okta.com")), false, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("x-rate-limit-limit", "1200")
		rw.Header().Set("x-rate-limit-remaining", "900")
		rw.Header().Set("x-rate-limit-reset", strconv.FormatInt(time.Now().Add(time.Minute).Unix(), 10))
		introspect(rw, r)
	})
	digest := func(key string) string {
		sum := sha256.Sum256([]byte(key))
		return hex.EncodeToString(sum[:])
	}
	var err error
	if w.deployment.PluginConfig, err = yaml.YAMLToJSON(fmt.Appendf(nil, observedPolicies, digest("web"), digest("mobile"), digest("gone"))); err != nil {
		t.Fatal(err)
	}
	o := withEnvoy(t, w.options(t))
	o.Concurrency = 2
	var bootstrap map[string]any
	if err := json.Unmarshal(o.Config, &bootstrap); err != nil {
		t.Fatal(err)
	}
	bootstrap["stats_flush_interval"] = "1s" // histograms and the uptime come with it; the default is 5 s
	if o.Config, err = json.Marshal(bootstrap); err != nil {
		t.Fatal(err)
	}
	p := envoytest.Start(t, o)
	return &observed{envoy: p, client: w.client(t, p), prometheus: promtest.Start(t, scrapes(t, p), t.TempDir())}
}

// scrapes is the shipped prometheus.yml for this Envoy, with intervals of a second.
func scrapes(t *testing.T, p *envoyrun.Process) []byte {
	t.Helper()
	folder := observabilityFolder(t)
	text, err := os.ReadFile(filepath.Join(folder, "prometheus.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Global        map[string]any   `json:"global"`
		RuleFiles     []string         `json:"rule_files"`
		ScrapeConfigs []map[string]any `json:"scrape_configs"`
	}
	if err := yaml.UnmarshalStrict(text, &config); err != nil {
		t.Fatal(err)
	}
	admin, err := url.Parse(p.Admin())
	if err != nil {
		t.Fatal(err)
	}
	config.Global["scrape_interval"], config.Global["evaluation_interval"], config.Global["scrape_timeout"] = "1s", "1s", "1s"
	for i, file := range config.RuleFiles {
		config.RuleFiles[i] = filepath.Join(folder, file)
	}
	config.ScrapeConfigs[0]["static_configs"] = []any{map[string]any{"targets": []string{admin.Host}}}
	out, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// query answers the samples of an instant query: their labels, and their values as text.
func (o *observed) query(ctx context.Context, promQL string) ([]promSample, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.prometheus+"/api/v1/query?query="+url.QueryEscape(promQL), nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer struct {
		Error string
		Data  struct{ Result []promSample }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("status %d: %w", resp.StatusCode, err)
	}
	if answer.Error != "" {
		return nil, fmt.Errorf("query %s: %s", promQL, answer.Error)
	}
	return answer.Data.Result, nil
}

type promSample struct {
	Metric map[string]string
	Value  [2]any // unix seconds, text
}

// until polls Prometheus.
func (o *observed) until(t *testing.T, what string, ok func() (bool, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := o.envoy.Poll(ctx, ok); err != nil {
		t.Fatalf("wait until %s: %v", what, err)
	}
}

// called is what the load generator knows of calls: who, and what the gateway said to it.
type called struct{ App, Product, API, Version, Reason, Class string }

// strangers stands for another token in each request, so that Okta is asked each time.
const strangers = "*"

// mix is the load: each request with what is recorded of it, but for the reason and the class, which the answer tells.
var mix = []struct {
	target, key, token string
	known              called
}{
	{"/customers/v1/orders", "web", testToken, called{App: "web", Product: "portal", API: "customers", Version: "v1"}},
	{"/customers/v1/fails", "web", testToken, called{App: "web", Product: "portal", API: "customers", Version: "v1"}},
	{"/customers/v2/orders", "web", testToken, called{App: "web", Product: "portal", API: "customers", Version: "v2"}},
	{"/customers/v2/orders", "mobile", testToken, called{App: "mobile", Product: "new", API: "customers", Version: "v2"}},
	{"/customers/v1/orders", "mobile", testToken, called{App: "mobile", API: "customers", Version: "v1"}}, // api_key.not_granted
	{"/customers/v1/orders", "gone", testToken, called{App: "gone", API: "customers", Version: "v1"}},     // api_key.not_approved
	{"/customers/v1/orders", "", testToken, called{API: "customers", Version: "v1"}},                      // api_key.missing
	{"/customers/v2/orders", "another", testToken, called{API: "customers", Version: "v2"}},               // api_key.unknown
	{"/customers/v1/orders", "web", strangers, called{App: "web", Product: "portal", API: "customers", Version: "v1"}},
	{"/customers/v2/orders", "mobile", "", called{App: "mobile", Product: "new", API: "customers", Version: "v2"}},
	{"/nowhere", "web", testToken, called{}}, // api.unknown
	{"/burst", "", "", called{API: "burst", Version: "v1"}},
}

// load sends n requests of the mix over a few connections and counts them.
func (o *observed) load(t *testing.T, n int) map[called]uint64 {
	t.Helper()
	const senders = 8
	work := make(chan int)
	var mu sync.Mutex
	counts := map[called]uint64{}
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for i := range work {
				m := mix[i%len(mix)]
				if m.token == strangers {
					m.token = "another-" + strconv.FormatInt(o.strangers.Add(1), 10)
				}
				status, reason, err := ask(t.Context(), o.client, m.target, m.key, m.token)
				if err != nil {
					t.Error(err)
					continue
				}
				m.known.Reason, m.known.Class = reason, fmt.Sprintf("%dxx", status/100)
				mu.Lock()
				counts[m.known]++
				mu.Unlock()
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	all.Wait()
	return counts
}
