package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	gateway "github.com/envoyproxy/gateway"
	"sigs.k8s.io/kubectl-validate/pkg/cmd"
	"sigs.k8s.io/kubectl-validate/pkg/openapiclient"
	"sigs.k8s.io/kubectl-validate/pkg/validator"
	"sigs.k8s.io/yaml"
)

// crds knows the kinds of Envoy Gateway and of the Gateway API as an API server does: types, unknown fields, and CEL.
func crds(t *testing.T) *validator.Validator {
	t.Helper()
	v, err := validator.New(openapiclient.NewLocalCRDFiles(fstest.MapFS{"crds.yaml": {Data: gateway.GatewayCRDs}}))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func check(v *validator.Validator, m manifest) error {
	document, err := yaml.Marshal(m.root)
	if err != nil {
		return err
	}
	return cmd.ValidateDocument(document, v)
}

func all(t *testing.T) []manifest {
	t.Helper()
	all, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestValidateEnvoyGateway(t *testing.T) {
	v := crds(t)
	for _, m := range all(t) {
		t.Run(m.kind+"/"+m.name, func(t *testing.T) {
			if err := check(v, m); err != nil {
				t.Error(err)
			}
		})
	}
	found, err := filepath.Glob("../*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	if want := slices.Sorted(slices.Values(files)); !slices.Equal(found, want) {
		t.Errorf("the files are %v, and %v are checked", found, want)
	}
}

// TestValidateEnvoyGatewayRendered: what `sallyport render` makes of the shipped configuration is valid too.
func TestValidateEnvoyGatewayRendered(t *testing.T) {
	var config any
	for _, m := range all(t) {
		if m.kind == "EnvoyExtensionPolicy" {
			config = m.root["spec"].(map[string]any)["wasm"].([]any)[0].(map[string]any)["config"]
		}
	}
	source, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "sallyport.yaml")
	if err := os.WriteFile(file, source, 0o600); err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), "go", "run", "./filter/cmd/sallyport", "render", "--for", "envoy-gateway", "--file", file,
		"--backend", "backend.example.internal:8443", "--image", "registry.example.com/sallyport@sha256:"+strings.Repeat("0", 64))
	run.Dir, run.Stderr = "../../..", os.Stderr
	out, err := run.Output()
	if err != nil {
		t.Fatal(err)
	}
	rendered, err := parse(out)
	if err != nil {
		t.Fatal(err)
	}
	v := crds(t)
	for _, m := range rendered {
		if err := check(v, m); err != nil {
			t.Errorf("%s %s: %v", m.kind, m.name, err)
		}
	}
	if len(rendered) != 10 {
		t.Errorf("%d manifests", len(rendered))
	}
}

func TestValidateEnvoyGatewayFindsMistakes(t *testing.T) {
	v := crds(t)
	type at = []any
	for name, mistake := range map[string]struct {
		kind, name string
		value      any
		at         at
	}{
		"a member that is misspelt":            {"EnvoyExtensionPolicy", "sallyport", true, at{"spec", "wasm", 0, "failOpened"}},
		"a switch that is a word":              {"EnvoyExtensionPolicy", "sallyport", "no", at{"spec", "wasm", 0, "failOpen"}},
		"a source that does not exist":         {"EnvoyExtensionPolicy", "sallyport", "Registry", at{"spec", "wasm", 0, "code", "type"}},
		"an image without its member":          {"EnvoyExtensionPolicy", "sallyport", map[string]any{"type": "Image"}, at{"spec", "wasm", 0, "code"}},
		"a digest that is a number":            {"EnvoyExtensionPolicy", "sallyport", 5, at{"spec", "wasm", 0, "code", "image", "sha256"}},
		"a target of another kind":             {"EnvoyExtensionPolicy", "sallyport", []any{map[string]any{"group": "", "kind": "Service", "name": "x"}}, at{"spec", "targetRefs"}},
		"an action that does not exist":        {"SecurityPolicy", "addresses", "Refuse", at{"spec", "authorization", "defaultAction"}},
		"an address that is none":              {"SecurityPolicy", "addresses", []any{"somewhere"}, at{"spec", "authorization", "rules", 0, "principal", "clientCIDRs"}},
		"a port beyond the last":               {"Gateway", "sallyport", []any{map[string]any{"name": "x", "protocol": "HTTP", "port": 70000}}, at{"spec", "listeners"}},
		"TLS without a certificate":            {"Gateway", "sallyport", map[string]any{"mode": "Terminate"}, at{"spec", "listeners", 0, "tls"}},
		"two kinds of CA":                      {"Backend", "backend", "System", at{"spec", "tls", "wellKnownCACertificates"}},
		"an endpoint of no kind":               {"Backend", "okta", []any{map[string]any{}}, at{"spec", "endpoints"}},
		"a path of a type that does not exist": {"HTTPRoute", "public", []any{map[string]any{"path": map[string]any{"type": "Glob", "value": "/x"}}}, at{"spec", "rules", 0, "matches"}},
		"a path action that does not exist":    {"ClientTrafficPolicy", "sallyport", "Refuse", at{"spec", "path", "escapedSlashesAction"}},
		"a duration without a unit":            {"ClientTrafficPolicy", "sallyport", "30", at{"spec", "timeout", "http", "requestReceivedTimeout"}},
	} {
		t.Run(name, func(t *testing.T) {
			manifests, last := all(t), len(mistake.at)-1
			if err := add(manifests, mistake.kind, mistake.name, mistake.value, mistake.at[last].(string), mistake.at[:last]...); err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(manifests, func(m manifest) bool { return m.kind == mistake.kind && m.name == mistake.name })
			if err := check(v, manifests[i]); err == nil {
				t.Error("it was accepted")
			}
		})
	}
}
