package e2e

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"istio.io/istio/pilot/pkg/config/kube/crd"
	crdvalidation "istio.io/istio/pkg/config/crd"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/config/schema/collections"
	"sigs.k8s.io/yaml"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/envoy-config/internal/meshtest"
)

// shipped are the files that are applied as they stand, beside the folders that kustomize builds.
var (
	overlays = []string{"../overlays/one-gateway", "../overlays/cors", "../overlays/quota", "../overlays/sidecar", "../overlays/waypoint"}
	files    = []string{"../alternative/traffic-extension.yaml"}
)

// validator knows Istio's CRDs: types, unknown fields, and the rules in CEL.
func validator(t *testing.T) *crdvalidation.Validator {
	t.Helper()
	v, err := crdvalidation.NewValidatorFromFiles(filepath.Join(moduleDir(t, "istio.io/api"), "kubernetes", "customresourcedefinitions.gen.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// check is what the API server with Istio's CRDs and Istio's own webhook would say of the manifests.
func check(v *crdvalidation.Validator, all []envoyconfig.Manifest) error {
	manifests, err := envoyconfig.ManifestsYAML(all)
	if err != nil {
		return err
	}
	document := string(manifests)
	if err := v.ValidateCustomResourceYAML(document, nil); err != nil {
		return err
	}
	configs, _, err := crd.ParseInputs(document)
	if err != nil {
		return err
	}
	for _, c := range configs {
		schema, ok := collections.PilotGatewayAPI().FindByGroupVersionKind(c.GroupVersionKind)
		if !ok {
			continue
		}
		if _, err := schema.ValidateConfig(c); err != nil {
			return err
		}
	}
	return nil
}

func oneGateway(t *testing.T) []envoyconfig.Manifest {
	t.Helper()
	all, err := build("../overlays/one-gateway")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// pluginConfig is the filter's configuration in the manifests.
func pluginConfig(all []envoyconfig.Manifest) any {
	for _, m := range all {
		if m.Is("WasmPlugin", "sallyport") {
			return m.Get(envoyconfig.Path{"spec", "pluginConfig"})
		}
	}
	return nil
}

func trafficExtension(t *testing.T) []envoyconfig.Manifest {
	t.Helper()
	source, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	all, err := envoyconfig.Manifests(files[0], source)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestValidateIstio(t *testing.T) {
	v := validator(t)
	for _, dir := range overlays {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			all, err := build(dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := check(v, all); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("traffic-extension", func(t *testing.T) {
		if err := check(v, trafficExtension(t)); err != nil {
			t.Error(err)
		}
	})
	t.Run("mesh", func(t *testing.T) {
		source, err := os.ReadFile("../mesh.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := mesh.ApplyMeshConfigDefaults(string(source)); err != nil {
			t.Error(err)
		}
	})
}

// TestValidateIstioRendered: what `sallyport render` makes of the shipped configuration is valid too.
func TestValidateIstioRendered(t *testing.T) {
	if err := check(validator(t), meshtest.Rendered(t, "istio", pluginConfig(oneGateway(t)))); err != nil {
		t.Error(err)
	}
}

// TestValidateIstioRenderedEngines: so is what it makes for engines of quotas, wherever they are: a rule for each, and an
// entry for each outside of the mesh.
func TestValidateIstioRenderedEngines(t *testing.T) {
	all := meshtest.RenderedWithEngines(t, "istio", pluginConfig(oneGateway(t)))
	if err := check(validator(t), all); err != nil {
		t.Error(err)
	}
	kinds := map[string]int{}
	for _, m := range all {
		if strings.HasPrefix(m.Name, "quota-") {
			kinds[m.Kind]++
		}
	}
	if want := map[string]int{"DestinationRule": 4, "ServiceEntry": 3}; !maps.Equal(kinds, want) {
		t.Errorf("for the engines there are %v, want %v", kinds, want)
	}
}

// TestValidateIstioCoversAllFiles: a file that is shipped and that no folder's build reads fails.
func TestValidateIstioCoversAllFiles(t *testing.T) {
	read := map[string]bool{"../mesh.yaml": true}
	for _, file := range files {
		read[file] = true
	}
	var follow func(dir string)
	follow = func(dir string) {
		file := filepath.Join(dir, "kustomization.yaml")
		read[file] = true
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var k struct{ Resources []string }
		if err := yaml.Unmarshal(source, &k); err != nil {
			t.Fatal(err)
		}
		for _, r := range k.Resources {
			if path := filepath.Join(dir, r); filepath.Ext(path) == "" {
				follow(path)
			} else {
				read[path] = true
			}
		}
	}
	for _, dir := range overlays {
		follow(dir)
	}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(path) == ".yaml" && !read[path] {
			t.Errorf("%s is checked by no test", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestValidateIstioFindsMistakes(t *testing.T) {
	v := validator(t)
	type at = []any
	meshtest.FindsMistakes(t, map[string]meshtest.Mistake{
		"a member that is misspelt":        {Kind: "WasmPlugin", Name: "sallyport", Value: "AUTHN", At: at{"spec", "phaze"}},
		"a phase that does not exist":      {Kind: "WasmPlugin", Name: "sallyport", Value: "LOGIN", At: at{"spec", "phase"}},
		"a policy that does not exist":     {Kind: "WasmPlugin", Name: "sallyport", Value: "FAIL_OPENED", At: at{"spec", "failStrategy"}},
		"a digest that is none":            {Kind: "WasmPlugin", Name: "sallyport", Value: "abc", At: at{"spec", "sha256"}},
		"a scheme that does not exist":     {Kind: "WasmPlugin", Name: "sallyport", Value: "ftp://x/y", At: at{"spec", "url"}},
		"a selector beside targetRefs":     {Kind: "WasmPlugin", Name: "sallyport", Value: []any{map[string]any{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "g"}}, At: at{"spec", "targetRefs"}},
		"a variable without a source":      {Kind: "WasmPlugin", Name: "sallyport", Value: []any{map[string]any{"name": "A", "valueFrom": "FILE"}}, At: at{"spec", "vmConfig", "env"}},
		"a port beyond the last":           {Kind: "ServiceEntry", Name: "okta", Value: 70000, At: at{"spec", "ports", 0, "number"}},
		"a resolution that does not exist": {Kind: "ServiceEntry", Name: "okta", Value: "DNSS", At: at{"spec", "resolution"}},
		"2-way TLS without a certificate":  {Kind: "DestinationRule", Name: "backend", Value: map[string]any{"mode": "MUTUAL"}, At: at{"spec", "trafficPolicy", "tls"}},
		"a duration without a unit":        {Kind: "DestinationRule", Name: "okta", Value: "1", At: at{"spec", "trafficPolicy", "connectionPool", "tcp", "connectTimeout"}},
		"an address that is none":          {Kind: "AuthorizationPolicy", Name: "sallyport-addresses", Value: []any{"203.0.113.0/240"}, At: at{"spec", "rules", 0, "from", 0, "source", "remoteIpBlocks"}},
		"an action that does not exist":    {Kind: "AuthorizationPolicy", Name: "sallyport-addresses", Value: "REFUSE", At: at{"spec", "action"}},
		"a gateway without hosts":          {Kind: "Gateway", Name: "sallyport", Value: []any{}, At: at{"spec", "servers", 0, "hosts"}},
		"a route with a weight below zero": {Kind: "VirtualService", Name: "sallyport", Value: -1, At: at{"spec", "http", 1, "route", 0, "weight"}},
		"a patch that Envoy does not know": {Kind: "EnvoyFilter", Name: "sallyport-public-route", Value: map[string]any{"typed_per_filter_config": map[string]any{"x": map[string]any{"disabled": true}}}, At: at{"spec", "configPatches", 1, "patch", "value"}},
		"a provider that is not a list":    {Kind: "Telemetry", Name: "sallyport", Value: "sallyport", At: at{"spec", "accessLogging", 0, "providers"}},
	}, oneGateway, func(all []envoyconfig.Manifest) error { return check(v, all) })
}
