package e2e

import (
	"fmt"
	"os"
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

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/envoy-config/internal/meshtest"
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

func check(v *validator.Validator, all []envoyconfig.Manifest) error {
	for _, m := range all {
		document, err := m.YAML()
		if err != nil {
			return err
		}
		if err := cmd.ValidateDocument(document, v); err != nil {
			return fmt.Errorf("%s %s: %w", m.Kind, m.Name, err)
		}
	}
	return nil
}

func all(t *testing.T) []envoyconfig.Manifest {
	t.Helper()
	all, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestValidateEnvoyGateway(t *testing.T) {
	if err := check(crds(t), all(t)); err != nil {
		t.Error(err)
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

// engine is what is shipped for the engine of quotas, and the step that its comment has for plugin.yaml.
func engine(t *testing.T) (manifests []envoyconfig.Manifest, step any) {
	t.Helper()
	const file = "../quota/engine.yaml"
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if manifests, err = envoyconfig.Manifests(file, source); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(source), "\n#   - ")
	line, _, _ := strings.Cut(rest, "\n")
	if err := yaml.Unmarshal([]byte(line), &step); err != nil || step == nil {
		t.Fatalf("the step of %s: %v: %v", file, step, err)
	}
	return manifests, step
}

// pluginConfig is the filter's configuration in the manifests.
func pluginConfig(all []envoyconfig.Manifest) any {
	for _, m := range all {
		if m.Is("EnvoyExtensionPolicy", "sallyport") {
			return m.Get(envoyconfig.Path{"spec", "wasm", 0, "config"})
		}
	}
	return nil
}

// TestValidateEnvoyGatewayQuota: what is applied only where there is an engine of quotas.
func TestValidateEnvoyGatewayQuota(t *testing.T) {
	read, _ := engine(t)
	if err := check(crds(t), read); err != nil {
		t.Error(err)
	}
	if len(read) != 3 {
		t.Errorf("%d manifests", len(read))
	}
}

// TestValidateEnvoyGatewayRendered: what `sallyport render` makes of the shipped configuration is valid too.
func TestValidateEnvoyGatewayRendered(t *testing.T) {
	rendered := meshtest.Rendered(t, "envoy-gateway", pluginConfig(all(t)))
	if err := check(crds(t), rendered); err != nil {
		t.Error(err)
	}
	if len(rendered) != 10 {
		t.Errorf("%d manifests", len(rendered))
	}
}

// TestValidateEnvoyGatewayRenderedEngines: so is what it makes for engines of quotas, wherever they are.
func TestValidateEnvoyGatewayRenderedEngines(t *testing.T) {
	rendered := meshtest.RenderedWithEngines(t, "envoy-gateway", pluginConfig(all(t)))
	if err := check(crds(t), rendered); err != nil {
		t.Error(err)
	}
	if want := 10 + 3*len(meshtest.Engines); len(rendered) != want {
		t.Errorf("%d manifests, want %d", len(rendered), want)
	}
}

func TestValidateEnvoyGatewayFindsMistakes(t *testing.T) {
	v := crds(t)
	type at = []any
	meshtest.FindsMistakes(t, map[string]meshtest.Mistake{
		"a member that is misspelt":            {Kind: "EnvoyExtensionPolicy", Name: "sallyport", Value: true, At: at{"spec", "wasm", 0, "failOpened"}},
		"a switch that is a word":              {Kind: "EnvoyExtensionPolicy", Name: "sallyport", Value: "no", At: at{"spec", "wasm", 0, "failOpen"}},
		"a source that does not exist":         {Kind: "EnvoyExtensionPolicy", Name: "sallyport", Value: "Registry", At: at{"spec", "wasm", 0, "code", "type"}},
		"an image without its member":          {Kind: "EnvoyExtensionPolicy", Name: "sallyport", Value: map[string]any{"type": "Image"}, At: at{"spec", "wasm", 0, "code"}},
		"a digest that is a number":            {Kind: "EnvoyExtensionPolicy", Name: "sallyport", Value: 5, At: at{"spec", "wasm", 0, "code", "image", "sha256"}},
		"a target of another kind":             {Kind: "EnvoyExtensionPolicy", Name: "sallyport", Value: []any{map[string]any{"group": "", "kind": "Service", "name": "x"}}, At: at{"spec", "targetRefs"}},
		"an action that does not exist":        {Kind: "SecurityPolicy", Name: "addresses", Value: "Refuse", At: at{"spec", "authorization", "defaultAction"}},
		"an address that is none":              {Kind: "SecurityPolicy", Name: "addresses", Value: []any{"somewhere"}, At: at{"spec", "authorization", "rules", 0, "principal", "clientCIDRs"}},
		"a port beyond the last":               {Kind: "Gateway", Name: "sallyport", Value: []any{map[string]any{"name": "x", "protocol": "HTTP", "port": 70000}}, At: at{"spec", "listeners"}},
		"TLS without a certificate":            {Kind: "Gateway", Name: "sallyport", Value: map[string]any{"mode": "Terminate"}, At: at{"spec", "listeners", 0, "tls"}},
		"two kinds of CA":                      {Kind: "Backend", Name: "backend", Value: "System", At: at{"spec", "tls", "wellKnownCACertificates"}},
		"an endpoint of no kind":               {Kind: "Backend", Name: "okta", Value: []any{map[string]any{}}, At: at{"spec", "endpoints"}},
		"a path of a type that does not exist": {Kind: "HTTPRoute", Name: "public", Value: []any{map[string]any{"path": map[string]any{"type": "Glob", "value": "/x"}}}, At: at{"spec", "rules", 0, "matches"}},
		"a path action that does not exist":    {Kind: "ClientTrafficPolicy", Name: "sallyport", Value: "Refuse", At: at{"spec", "path", "escapedSlashesAction"}},
		"a duration without a unit":            {Kind: "ClientTrafficPolicy", Name: "sallyport", Value: "30", At: at{"spec", "timeout", "http", "requestReceivedTimeout"}},
	}, all, func(all []envoyconfig.Manifest) error { return check(v, all) })
}
