//go:build linux

package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/verbatim"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

const (
	reloads       = 100
	reloadClients = 4
	// reloadGrowth is how much of the memory after the first fifth of the updates may be added until the last. What
	// stayed behind of each, a plugin in two workers, would add as much again.
	reloadGrowth = 1.15
	ecdsFile     = "ecds.json"
)

// TestReload changes the filter's configuration a hundred times while requests are under way, by each way that a file
// can: the filter's own resource (ECDS), and the whole listener (LDS), whose older versions drain. No request fails, the
// spike arrest still knows what was spent, and no token is asked about again.
func TestReload(t *testing.T) {
	t.Parallel()
	t.Run("filter", func(t *testing.T) {
		s := newSite(t, siteOptions{Module: wasmbuild.Package(t, "./filter"), Concurrency: 2})
		s.offerFilter(0)
		s.serve(plan{name: "gw", vm: "reload", config: reloaded(t, 0), change: discovered(s)})
		s.reload(s.offerFilter)
	})
	t.Run("listener", func(t *testing.T) {
		s := newSite(t, siteOptions{Module: wasmbuild.Package(t, "./filter"), Concurrency: 2})
		offer := func(n int) { s.serve(plan{name: "gw", vm: "reload", config: reloaded(t, n)}) }
		offer(0)
		s.reload(offer)
	})
}

// reload offers one configuration after the other under load, and looks at what came of it.
func (s *site) reload(offer func(n int)) {
	s.t.Helper()
	limited := func() scenario.Request {
		r := request("reload")
		r.Headers[0].Value = "limited.example.com"
		return r
	}
	spent := outcome{status: 429, reason: "spike_arrest.exceeded"}
	s.do("the one request that the limit allows", "gw", limited(), admitted)
	s.do("one more", "gw", limited(), spent)
	s.do("the token is asked about", "gw", request("reload"), admitted)

	stop := s.keepAsking()
	began, early := time.Now(), 0
	for n := 1; n <= reloads; n++ {
		offer(n)
		if n == reloads/5 {
			early = resident(s.t, s.envoy.PID())
		}
	}
	took, answered, failures := time.Since(began), stop(), 0
	for what, n := range answered {
		if what != "200" {
			failures += n
		}
	}
	s.do("the limit is still spent", "gw", limited(), spent)
	late := resident(s.t, s.envoy.PID())
	s.t.Logf("%d updates in %v under %d requests, %d failed; %d calls about the token; envoy has %d KiB after %d updates, %d KiB after all",
		reloads, took.Round(100*time.Millisecond), answered["200"]+failures, failures, s.authority.asked("reload"), early, reloads/5, late)
	if failures > 0 || answered["200"] < reloads {
		s.t.Errorf("outcomes %v", answered)
	}
	if n := s.authority.asked("reload"); n != 1 {
		s.t.Errorf("the token was asked about %d times, want 1", n)
	}
	if float64(late) > reloadGrowth*float64(early) {
		s.t.Error("envoy grew")
	}
	s.until("the last configuration is in force", func(envoyrun.Stats) bool { return s.developerSeen() == fmt.Sprintf("dev-%d", reloads) })
}

// keepAsking sends requests, each on a connection of its own, until the function that it returns is called; that gives
// the number of each status, or error.
func (s *site) keepAsking() (stop func() map[string]int) {
	s.t.Helper()
	address, err := s.envoy.Listener(s.t.Context(), "gw")
	if err != nil {
		s.t.Fatal(err)
	}
	var over atomic.Bool
	var mu sync.Mutex
	var wg sync.WaitGroup
	counts := map[string]int{}
	for range reloadClients {
		wg.Go(func() {
			for !over.Load() {
				ctx, cancel := context.WithTimeout(s.t.Context(), patience)
				response, err := verbatim.Send(ctx, address, request("reload"))
				cancel()
				what := fmt.Sprint(response.Status)
				if err != nil {
					what = err.Error()
				}
				mu.Lock()
				counts[what]++
				mu.Unlock()
			}
		})
	}
	return func() map[string]int {
		over.Store(true)
		wg.Wait()
		return counts
	}
}

// developerSeen is what the backend is told of the app's developer now.
func (s *site) developerSeen() string {
	s.t.Helper()
	s.backend.Take()
	p := s.begin("gw", request("reload"))
	<-p.ended
	for _, r := range s.backend.Take() {
		return scenario.HeaderValue(r.Headers, "x-sallyport-developer")
	}
	return ""
}

// reloaded is the n-th configuration. Each names another developer, so that the backend can tell which one is in force.
func reloaded(t *testing.T, n int) []byte {
	t.Helper()
	const okta = `{cluster: okta, authority: dev.okta.com, path: /v1/introspect, client_id: gw, client_secret: {env: OKTA_CLIENT_SECRET}, timeout: 10s, cache: {max_ttl: 1h}}`
	text := string(policies(t, `
- verify_api_key: {from: [{header: x-api-key}]}
- remove_api_key: {}
- introspect_token: `+okta+`
- require_token: {audience: [api://default]}
`))
	text = strings.Replace(text, "dev@example.com", fmt.Sprintf("dev-%d", n), 1)
	const apis = `"apis":[`
	limited := `{"name":"limited","version":"v1","hosts":["limited.example.com"],"base_path":"/","sequence":[{"spike_arrest":{"rate":"1pm","burst":1}}]},`
	return []byte(strings.Replace(text, apis, apis+limited, 1))
}

// filterResource is the name of the filter as a resource.
const filterResource = "sallyport-filter"

// discovered makes the listener take its filter from a file.
func discovered(s *site) func(listener, manager, plugin map[string]any) {
	return func(_, manager, _ map[string]any) {
		manager["http_filters"].([]any)[0] = map[string]any{
			"name": filterResource,
			"config_discovery": map[string]any{
				"config_source": map[string]any{"path_config_source": map[string]any{"path": s.envoy.Path(ecdsFile)}},
				"type_urls":     []any{"type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"},
			},
		}
	}
}

// offerFilter publishes the filter with the n-th configuration. The first is there before Envoy looks.
func (s *site) offerFilter(n int) {
	s.t.Helper()
	listener := s.listener(plan{name: "gw", vm: "reload", config: reloaded(s.t, n)})
	wasm := member(listener, "filter_chains", 0, "filters", 0, "typed_config", "http_filters", 0, "typed_config")
	resource := map[string]any{"@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig", "name": filterResource, "typed_config": wasm}
	if n == 0 {
		if err := s.envoy.Publish(ecdsFile, []any{resource}); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	ok, err := s.envoy.Offer(s.t.Context(), envoyrun.Offer{
		File: ecdsFile, Resources: []any{resource}, Subscription: "extension_config_discovery.http_filter." + filterResource,
	})
	if err != nil || !ok {
		s.t.Fatalf("envoy takes the filter's configuration %d: %v, %v", n, ok, err)
	}
}
