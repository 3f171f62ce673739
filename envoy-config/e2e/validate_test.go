package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
)

// checkedBy is, for each YAML and JSON file that is shipped, the test that has the real program accept it strictly.
var checkedBy = map[string]func(*testing.T){
	"envoy.yaml":                        TestShippedConfigValidates,
	"backend-sidecar.yaml":              TestValidate,
	"secrets/gateway.yaml":              TestEnvoyTLSRotation,
	"secrets/backend-client.yaml":       TestEnvoyTLSRotation,
	"per-route/opt-out.yaml":            TestPerRoute,
	"per-route/instances.yaml":          TestPerRoute,
	"per-route/cors.yaml":               TestCORSInChromium,
	"observability/prometheus.yml":      TestObservability,
	"observability/sallyport.rules.yml": TestObservabilityRules,
	"observability/sallyport.test.yml":  TestObservabilityRules,
	"observability/dashboard.json":      TestObservability,
	"quota-cluster.yaml":                TestQuotaEngine,
}

// checkedElsewhere are those for Kubernetes, which the validators beside envoy-gateway/ know: TestValidateKubernetes.
var checkedElsewhere = []string{"ratelimit/kubernetes.yaml"}

// TestValidateCoversAllFiles: a file that is shipped and that nothing checks fails. istio/ and envoy-gateway/ have such
// tests of their own, helm/ too among theirs.
func TestValidateCoversAllFiles(t *testing.T) {
	var shipped []string
	err := fs.WalkDir(os.DirFS(".."), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && slices.Contains([]string{"demo", "e2e", "helm", "istio", "envoy-gateway"}, path) {
			return fs.SkipDir
		}
		if slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)) && !slices.Contains(checkedElsewhere, path) {
			shipped = append(shipped, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range shipped {
		if checkedBy[file] == nil {
			t.Errorf("%s is checked by no test", file)
		}
	}
	for file := range checkedBy {
		if !slices.Contains(shipped, file) {
			t.Errorf("%s is not shipped any more", file)
		}
	}
}

// mistake is one that an operator may make, and what Envoy, or the filter in it, says of it.
type mistake struct {
	name   string
	change func(*envoyconfig.Document)
	want   string
}

func set(value any, at envoyconfig.Path, more ...any) func(*envoyconfig.Document) {
	return func(doc *envoyconfig.Document) { doc.Set(value, at.Then(more...)) }
}

// inFilter changes the filter's configuration, which must have the text.
func inFilter(from, to string) func(*envoyconfig.Document) {
	at := envoyconfig.Wasm().Then("configuration", "value")
	return func(doc *envoyconfig.Document) {
		text, _ := doc.Get(at).(string)
		if !strings.Contains(text, from) {
			panic("the shipped configuration of the filter has no " + from)
		}
		doc.Set(strings.Replace(text, from, to, 1), at)
	}
}

func mistakes() []mistake {
	manager, okta, backend := envoyconfig.Manager(), envoyconfig.Cluster("okta"), envoyconfig.Cluster("backend")
	tls := envoyconfig.Path{"transport_socket", "typed_config", "common_tls_context"}
	sans := tls.Then("validation_context", "match_typed_subject_alt_names", 0)
	route := manager.Then("route_config", "virtual_hosts", 0, "routes", 0, "route")
	return []mistake{
		{"a member that is misspelt", set(map[string]any{"max_concurrent_stream": 100}, manager, "http2_protocol_options"), "max_concurrent_stream"},
		{"a policy that does not exist", set("FAIL_OPENED", envoyconfig.Wasm(), "failure_policy"), "FAIL_OPENED"},
		{"a port that is a word", set("https", envoyconfig.Listener(), "address", "socket_address", "port_value"), "port_value"},
		{"a cluster that is misspelt", set("backand", route, "cluster"), "backand"},
		{"a duration below zero", set("-1s", okta, "connect_timeout"), "Expected positive duration"},
		{"a type of name that does not exist", set("DNSS", okta.Then(sans...), "san_type"), "DNSS"},
		{"a CA that is not there", set("/nowhere/ca.pem", backend.Then(tls...), "validation_context", "trusted_ca", "filename"), "/nowhere/ca.pem"},
		{"a module that is not there", set("/nowhere/sallyport.wasm", envoyconfig.Wasm(), "vm_config", "code", "local", "filename"), "/nowhere/sallyport.wasm"},
		{"a tag's expression that does not compile", set("(", envoyconfig.Path{"stats_config", "stats_tags", 0, "regex"}), "mismatched ("},
		{"a threshold over one", set(9.5, envoyconfig.Path{"overload_manager", "actions", 0, "triggers", 0, "threshold", "value"}), "Value"},
		{"a message type that does not exist", set("type.googleapis.com/envoy.Nothing", manager, "@type"), "envoy.Nothing"},
		{"a switch that is a word", set("on", manager, "use_remote_address"), "use_remote_address"},

		{"a base path without a slash", inFilter(`"base_path": "/customers/v1"`, `"base_path": "customers/v1"`), "apis[0].base_path: must start with"},
		{"a member of the filter that is misspelt", inFilter(`"hosts"`, `"host"`), "apis[0].host: is not a known member"},
		{"a rate without a unit", inFilter(`"200ps"`, `"200"`), "spike_arrest.rate: must be"},
		{"a digest that is too short", inFilter(`"sha256": "834b`, `"sha256": "83`), "keys[0].sha256"},
		{"a product of an API that does not exist", inFilter(`"apis": [{"name": "customers", "operations"`, `"apis": [{"name": "customer", "operations"`), "products[0].apis[0]"},
		{"an app with a product that does not exist", inFilter(`"products": ["portal"]`, `"products": ["portals"]`), "apps[0].products[0]"},
		{"a network with bits beyond its length", inFilter(`203.0.113.0/24`, `203.0.113.7/24`), "ip_access.rules[0].deny[0]"},
		{"a timeout without a unit", inFilter(`"timeout": "2s"`, `"timeout": 2`), "introspect_token.timeout: must be"},
		{"a secret that the VM does not have", inFilter(`"env": "OKTA_CLIENT_SECRET"`, `"env": "OKTA_SECRET"`), "OKTA_SECRET"},
		{"a member that stands twice", inFilter(`"version": 1,`, `"version": 1, "version": 1,`), "version: must be given only once"},
	}
}

// TestValidate: each of these mistakes is caught before Envoy serves, by `envoy --mode validate`, with words that lead to it;
// and the backend's sidecar is accepted.
func TestValidate(t *testing.T) {
	t.Parallel()
	all := mistakes()
	if len(all) < 20 {
		t.Errorf("%d mistakes, want 20 at least", len(all))
	}
	w := newWorld(t)
	w.deployment.PluginConfig = nil // the shipped one
	o := withEnvoy(t, w.options(t))
	for _, m := range all {
		t.Run(m.name, func(t *testing.T) {
			doc := w.deployment.Document()
			m.change(doc)
			config, err := doc.JSON()
			if err != nil {
				t.Fatal(err)
			}
			o := o
			o.Config = config
			_, err = envoyrun.Validate(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), m.want) {
				t.Errorf("got %v, want words with %q", err, m.want)
			}
		})
	}
	t.Run("backend-sidecar.yaml", func(t *testing.T) { startSidecar(t, w.ca) })
}
