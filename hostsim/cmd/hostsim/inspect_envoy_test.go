package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/forge"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
)

// What Inspect says of a module is what Envoy says, to the word. Set $ENVOY to ask another version than the usual one.
func TestInspectAgreesWithEnvoy(t *testing.T) {
	envoy := envoytest.Find(t)
	profile := profileOf(t, envoy)
	for _, s := range forge.Specimens() {
		t.Run(s.Name, func(t *testing.T) {
			in := hostsim.Inspect(t.Context(), s.Wasm)
			i := slices.IndexFunc(in.Verdicts, func(v wasmhost.Fitness) bool { return v.Profile == profile })
			var want []string
			for _, r := range in.Verdicts[i].Refusal {
				want = append(want, r.Words)
				if strings.Contains(r.Words, "due to a") { // Envoy stops at the first import
					break
				}
			}
			path := filepath.Join(t.TempDir(), "module.wasm")
			if err := os.WriteFile(path, s.Wasm, 0o600); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, refusalsOf(t, envoy, path)); diff != "" {
				t.Errorf("Envoy %s (-inspected +Envoy):\n%s", profile, diff)
			}
		})
	}
}

// profileOf reads "envoy  version: <hash>/1.40.0/Clean/RELEASE/BoringSSL".
func profileOf(t *testing.T, envoy string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), envoy, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`/(1\.[0-9]+)\.[0-9]+`).FindSubmatch(out)
	if m == nil || !slices.Contains(hostsim.Profiles(), string(m[1])) {
		t.Skipf("no profile for %s", out)
	}
	return string(m[1])
}

// common are lines that stand behind the reason.
var common = regexp.MustCompile(`^(Wasm VM failed Failed to (load|initialize) Wasm code|Plugin configured to fail closed failed to load)$`)

// refusalsOf has Envoy validate a listener with the module, and gives its reasons not to load it; none when it does.
func refusalsOf(t *testing.T, envoy, module string) []string {
	t.Helper()
	lines, err := envoyrun.Validate(t.Context(), envoyrun.Options{Binary: envoy, Config: bootstrap(t, module)})
	var out []string
	for _, l := range lines {
		if l.Logger == "wasm" && (l.Level == "error" || l.Level == "critical") && !common.MatchString(l.Text) {
			text := strings.TrimPrefix(l.Text, "Wasm VM failed ")
			out = append(out, strings.Replace(text, "Plugin it failed", "Plugin failed", 1))
		}
	}
	if len(out) > 1 { // the plugin's failure is what the others lead to
		out = slices.DeleteFunc(out, func(s string) bool { return s == "Plugin failed to load" })
	}
	if (err != nil) != (len(out) > 0) {
		t.Errorf("validation said %v, and the log %q", err, out)
	}
	return out
}

func bootstrap(t *testing.T, module string) []byte {
	t.Helper()
	const text = `{"static_resources": {"listeners": [{
		"name": "l", "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
		"filter_chains": [{"filters": [{"name": "hcm", "typed_config": {
			"@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
			"stat_prefix": "l",
			"route_config": {"virtual_hosts": [{"name": "v", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 200}}]}]},
			"http_filters": [
				{"name": "wasm", "typed_config": {
					"@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
					"config": {"name": "it", "vm_config": {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": MODULE}}}}}},
				{"name": "router", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}
			]}}]}]}]}}`
	quoted, err := json.Marshal(module)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(strings.Replace(text, "MODULE", string(quoted), 1))
}
