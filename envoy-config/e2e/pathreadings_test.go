package e2e

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"sigs.k8s.io/yaml"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/envoy-config/internal/readingstest"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/verbatim"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// manifest is a shipped one with an open path and a guarded one, or one as it was shipped once.
type manifest struct {
	name          string
	config        []byte
	change        func(listener, manager, plugin map[string]any)
	open, guarded string // all that is not below open is guarded
	leaks         bool   // it was open by spelling
}

// TestPathReadings: whatever the spelling and whatever the backend makes of it, nothing guarded is reached without a key.
// Each manifest stands once with the shipped settings of paths, and once with none: the filter must not depend on them.
func TestPathReadings(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{Module: wasmbuild.Package(t, "./filter"), Shared: true})
	for i, m := range manifests(t, s.module) {
		for _, paths := range []struct {
			name string
			put  func(manager map[string]any)
		}{{"as shipped", shippedPaths}, {"without settings of paths", func(map[string]any) {}}} {
			t.Run(m.name+"/"+paths.name, func(t *testing.T) {
				s := s.on(t)
				name := "gwpath" + string(rune('a'+i)) + paths.name[:2]
				s.serve(plan{name: name, config: m.config, change: func(listener, manager, plugin map[string]any) {
					paths.put(manager)
					if m.change != nil {
						m.change(listener, manager, plugin)
					}
					for _, vm := range machines(manager) {
						vm["vm_id"] = "path readings" // one for all: they differ in nothing else
					}
				}})
				s.spelled(name, m)
			})
		}
	}
}

// spelled sends all spellings without a key, and holds what arrives against how each backend reads it.
func (s *site) spelled(listener string, m manifest) {
	s.t.Helper()
	address, err := s.envoy.Listener(s.t.Context(), listener)
	if err != nil {
		s.t.Fatal(err)
	}
	s.backend.Take()
	targets := readingstest.Spellings(m.open, m.guarded)
	for _, target := range targets {
		ctx, cancel := context.WithTimeout(s.t.Context(), patience)
		// An answer that cannot be read is one that Envoy closed the connection for.
		_, _ = verbatim.Send(ctx, address, scenario.Request{Method: "GET", Target: target, Headers: []scenario.Header{{Name: "host", Value: "api.example.com"}}})
		cancel()
	}
	s.quiet()
	seen, leaked := s.backend.Take(), 0
	for _, r := range seen {
		for _, b := range readingstest.Backends {
			if read := b.Read(r.Target); read != "" && !readingstest.Below(read, m.open) {
				leaked++
				if !m.leaks {
					s.t.Errorf("%s serves %s to a caller without a key: the backend got %s", b.Name, read, r.Target)
				}
			}
		}
	}
	s.t.Logf("%d spellings, %d seen by the backend, %d of them guarded", len(targets), len(seen), leaked)
	if m.leaks && leaked == 0 {
		s.t.Error("nothing got through: this cannot show what the other manifests withstand")
	}
}

func manifests(t *testing.T, module string) []manifest {
	t.Helper()
	shipped, _ := envoyconfig.Parse().Get(envoyconfig.Wasm().Then("configuration", "value")).(string)
	return []manifest{
		{name: "envoy.yaml", config: []byte(shipped), open: "/nothing-is-open", guarded: "/customers/v1/orders/1"},
		{name: "by API", config: configJSON(t, `
version: 1
apis:
- {name: public, version: v1, base_path: /public, sequence: []}
- {name: orders, version: v1, base_path: /, sequence: [{verify_api_key: {from: [{header: x-api-key}]}}]}
`), open: "/public", guarded: "/orders/1"},
		{name: "per-route/opt-out.yaml", change: shippedRoutes(t, "opt-out.yaml", module), open: "/public", guarded: "/orders/1"},
		{name: "per-route/instances.yaml", change: unlimited(shippedRoutes(t, "instances.yaml", module)), open: "/catalog", guarded: "/partners/1"},
		{name: "opt-out.yaml as it was", change: optOutAsItWas(shippedRoutes(t, "opt-out.yaml", module)), open: "/public", guarded: "/orders/1", leaks: true},
		{name: "opt-in.yaml as it was", change: optInAsItWas(shippedRoutes(t, "opt-out.yaml", module)), open: "/public", guarded: "/orders/1", leaks: true},
	}
}

// TestPathReadingsBelowAnOpenAPI: an API that is open lies above one that is guarded, which check warns of.
func TestPathReadingsBelowAnOpenAPI(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{Module: wasmbuild.Package(t, "./filter"), Shared: true})
	s.serve(plan{name: "gwabove", config: configJSON(t, `
version: 1
apis:
- {name: site, version: v1, base_path: /, sequence: []}
- {name: orders, version: v1, base_path: /orders, sequence: [{verify_api_key: {from: [{header: x-api-key}]}}]}
`)})
	address, err := s.envoy.Listener(t.Context(), "gwabove")
	if err != nil {
		t.Fatal(err)
	}
	targets := readingstest.Spellings("/public", "/orders/1")
	for _, target := range targets {
		_, _ = verbatim.Send(t.Context(), address, scenario.Request{Method: "GET", Target: target, Headers: []scenario.Header{{Name: "host", Value: "api.example.com"}}})
	}
	s.quiet()
	for _, r := range s.backend.Take() {
		for _, b := range readingstest.Backends {
			if read := b.Read(r.Target); readingstest.Below(read, "/orders") {
				t.Errorf("%s serves %s to a caller without a key: the backend got %s", b.Name, read, r.Target)
			}
		}
	}
	t.Logf("%d spellings", len(targets))
	for _, target := range []string{"/", "/Public/AbC", "/a%20b/caf%C3%A9;v=1", "/1:cancel/a@b,c", "/ordersbook/Orders"} {
		s.do("a harmless path: "+target, "gwabove", scenario.Request{Method: "GET", Target: target, Headers: []scenario.Header{{Name: "host", Value: "api.example.com"}}}, admitted)
	}
	s.settled()
}

// shippedPaths are the settings of the shipped connection manager that a site's listeners are without.
func shippedPaths(manager map[string]any) {
	shipped, _ := envoyconfig.Parse().Get(envoyconfig.Manager()).(map[string]any)
	for _, path := range hiding {
		if path[0] != "access_log" {
			manager[path[0].(string)] = shipped[path[0].(string)]
		}
	}
}

// unlimited lifts the limit of the open API: it would refuse what must be refused by its path.
func unlimited(change func(listener, manager, plugin map[string]any)) func(listener, manager, plugin map[string]any) {
	return func(listener, manager, plugin map[string]any) {
		change(listener, manager, plugin)
		configuration := member(manager, "http_filters", 1, "typed_config", "config", "configuration").(map[string]any)
		var config map[string]any
		if err := json.Unmarshal([]byte(configuration["value"].(string)), &config); err != nil {
			panic(err)
		}
		config["sequence"] = []any{map[string]any{"spike_arrest": map[string]any{"rate": "100000ps", "burst": 100000}}}
		text, err := json.Marshal(config)
		if err != nil {
			panic(err)
		}
		configuration["value"] = string(text)
	}
}

// optOutAsItWas has the public route as a prefix, and removes nothing on it.
func optOutAsItWas(change func(listener, manager, plugin map[string]any)) func(listener, manager, plugin map[string]any) {
	return func(listener, manager, plugin map[string]any) {
		change(listener, manager, plugin)
		route := member(manager, "route_config", "virtual_hosts", 0, "routes", 0).(map[string]any)
		route["match"] = map[string]any{"prefix": "/public/"}
		delete(route["typed_per_filter_config"].(map[string]any), "header_mutation")
		manager["http_filters"] = slices.DeleteFunc(slices.Clone(manager["http_filters"].([]any)), func(f any) bool { return member(f, "name") == "header_mutation" })
	}
}

// optInAsItWas has the filter off, and on below /orders/.
func optInAsItWas(change func(listener, manager, plugin map[string]any)) func(listener, manager, plugin map[string]any) {
	return func(listener, manager, plugin map[string]any) {
		change(listener, manager, plugin)
		for _, f := range manager["http_filters"].([]any) {
			if f := f.(map[string]any); f["name"] == "sallyport" {
				f["disabled"] = true
			}
		}
		route := member(manager, "route_config", "virtual_hosts", 0, "routes", 0).(map[string]any)
		route["match"] = map[string]any{"prefix": "/orders/"}
		route["typed_per_filter_config"] = map[string]any{"sallyport": map[string]any{
			"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "config": map[string]any{}}}
	}
}

func configJSON(t *testing.T, text string) []byte {
	t.Helper()
	config, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return config
}
