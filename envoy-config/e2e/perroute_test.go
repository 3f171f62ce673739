package e2e

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

var (
	noKey     = outcome{status: 401, reason: "api_key.missing"}
	exceeded  = outcome{status: 429, reason: "spike_arrest.exceeded"}
	unknown   = outcome{status: 404, reason: "api.unknown"}
	ambiguous = outcome{status: 400, reason: "request.path_ambiguous"}
)

const wasmType = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"

// visit is a request and how it ends. decided tells whether the filter is called at all.
type visit struct {
	name, target string
	want         outcome
	decided      bool
}

// TestPerRoute: which requests the filter sees can be decided by its own configuration, and by Envoy's routes in each of
// the shipped ways.
func TestPerRoute(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{Module: wasmbuild.Package(t, "./filter"), Shared: true})
	t.Run("by API", func(t *testing.T) {
		s := s.on(t)
		s.serve(plan{name: "gwapi", vm: "perroute", config: byAPI(t)})
		s.visits("gwapi", []visit{
			{"an API that wants a key", "/partners/1", noKey, true},
			{"an API with another sequence", "/catalog/1", admitted, true},
			{"its limit", "/catalog/2", exceeded, true},
			{"an open API", "/public/1", admitted, true},
			{"no API", "/else", unknown, true},
		}, nil)
	})
	for _, tt := range []struct {
		file              string
		visits, witnesses []visit
	}{
		{"opt-out.yaml", []visit{
			{"a route like most", "/orders/1", noKey, true},
			{"a public route", "/public/1.0/a_b~c-D/", admitted, false},
			{"the public route itself, with a query", "/public?a=%2e;", admitted, false},
			{"a public route's neighbour", "/publicity", noKey, true},
			{"a public route in another spelling", "/public/a%20b", noKey, true},
			{"parameters below a public route", "/public/a;b", noKey, true},
			{"a dot segment below a public route", "/public/../public/1", ambiguous, true},
			{"a level below it that begins with a dot", "/public/.hidden", noKey, true},
		}, []visit{{"a witness", "/orders/2", noKey, true}}},
		{"instances.yaml", []visit{
			{"one configuration", "/partners/1", noKey, true},
			{"the other one", "/catalog/1", admitted, true},
			{"its limit", "/catalog/2", exceeded, true},
			{"neither", "/else", outcome{status: 404}, false},
		}, []visit{{"one witness", "/partners/2", noKey, true}, {"the other witness", "/catalog/3", exceeded, true}}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			s := s.on(t)
			name := "gw" + tt.file[:len(tt.file)-len(".yaml")]
			s.serve(plan{name: name, change: shippedRoutes(t, tt.file, s.module)})
			s.visits(name, tt.visits, tt.witnesses)
		})
	}
}

// visits makes the requests, without a key, one after the other. What the filter has
// not seen it never reports, so after such a request come the witnesses, one for each
// VM that might have seen it: a VM that has reported them has reported all before.
func (s *site) visits(listener string, visits, witnesses []visit) {
	s.t.Helper()
	counted := s.decided()
	for _, v := range visits {
		s.visit(listener, v)
		want := uint64(1)
		if !v.decided {
			want = uint64(len(witnesses))
			for _, w := range witnesses {
				s.visit(listener, w)
			}
		}
		before, enough := counted, false
		s.until("the filter has reported "+v.name, func(envoyrun.Stats) bool {
			seen := enough // a report is several calls: one look more after the first that has enough
			counted = s.decided()
			enough = counted >= before+want
			return seen
		})
		if got := counted - before; got != want {
			s.t.Errorf("%s: the filter was called %d times, want %d", v.name, got, want)
		}
	}
}

func (s *site) visit(listener string, v visit) {
	s.t.Helper()
	s.do(v.name, listener, scenario.Request{Method: "GET", Target: v.target, Headers: []scenario.Header{{Name: "host", Value: "api.example.com"}}}, v.want)
	s.settled()
}

// decided is how many requests the filter has reported.
func (s *site) decided() (n uint64) {
	for name, value := range s.stats() {
		if isDecision(name) {
			n += value
		}
	}
	return n
}

func byAPI(t *testing.T) []byte {
	t.Helper()
	return configJSON(t, `
version: 1
apis:
- {name: partners, version: v1, base_path: /partners, sequence: [{verify_api_key: {from: [{header: x-api-key}]}}]}
- {name: catalog, version: v1, base_path: /catalog, sequence: [{spike_arrest: {rate: 1pm, burst: 1}}]}
- {name: public, version: v1, base_path: /public, sequence: []}
`)
}

// shippedRoutes puts a shipped file's filters and routes into the listener, with this machine's module.
func shippedRoutes(t *testing.T, file, module string) func(listener, manager, plugin map[string]any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "per-route", file))
	if err != nil {
		t.Fatal(err)
	}
	var shipped map[string]any
	if err := yaml.UnmarshalStrict(text, &shipped); err != nil {
		t.Fatal(err)
	}
	for _, vm := range machines(shipped) {
		vm["code"] = map[string]any{"local": map[string]any{"filename": module}}
		vm["environment_variables"] = map[string]any{"key_values": map[string]string{"OKTA_CLIENT_SECRET": siteSecret}}
		vm["vm_id"] = fmt.Sprint(vm["vm_id"], file) // the files are tested in one Envoy
	}
	return func(_, manager, _ map[string]any) { maps.Copy(manager, shipped) }
}

// machines are the VMs of a connection manager's Wasm filters.
func machines(manager map[string]any) (all []map[string]any) {
	for i, f := range manager["http_filters"].([]any) {
		if member(f, "typed_config", "@type") == wasmType {
			all = append(all, member(manager, "http_filters", i, "typed_config", "config", "vm_config").(map[string]any))
		}
	}
	return all
}
