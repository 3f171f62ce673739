package e2e

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"istio.io/istio/pilot/pkg/config/kube/crd"
	crdvalidation "istio.io/istio/pkg/config/crd"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/config/schema/collections"
	"sigs.k8s.io/yaml"
)

// shipped are the files that are applied as they stand, beside the folders that kustomize builds.
var (
	overlays = []string{"../overlays/one-gateway", "../overlays/sidecar", "../overlays/waypoint"}
	files    = []string{"../alternative/traffic-extension.yaml"}
)

// validator knows Istio's CRDs: types, unknown fields, and the rules in CEL.
func validator(t *testing.T) *crdvalidation.Validator {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "istio.io/api").Output()
	if err != nil {
		t.Fatal(err)
	}
	v, err := crdvalidation.NewValidatorFromFiles(filepath.Join(strings.TrimSpace(string(out)), "kubernetes", "customresourcedefinitions.gen.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// check is what the API server with Istio's CRDs and Istio's own webhook would say of the manifests.
func check(v *crdvalidation.Validator, all []manifest) error {
	document, err := text(all)
	if err != nil {
		return err
	}
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

func oneGateway(t *testing.T) []manifest {
	t.Helper()
	all, err := build("../overlays/one-gateway")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func trafficExtension(t *testing.T) []manifest {
	t.Helper()
	source, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	all, err := parse(source)
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
	var config any
	for _, m := range oneGateway(t) {
		if m.kind == "WasmPlugin" {
			config = m.root["spec"].(map[string]any)["pluginConfig"]
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
	cmd := exec.CommandContext(t.Context(), "go", "run", "./filter/cmd/sallyport", "render", "--for", "istio", "--file", file,
		"--backend", "backend.example.internal:8443", "--image", "registry.example.com/sallyport@sha256:"+strings.Repeat("0", 64))
	cmd.Dir, cmd.Stderr = "../../..", os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	all, err := parse(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := check(validator(t), all); err != nil {
		t.Errorf("%v\n%s", err, out)
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
	for name, mistake := range map[string]struct {
		kind, name string
		value      any
		at         at
	}{
		"a member that is misspelt":        {"WasmPlugin", "sallyport", "AUTHN", at{"spec", "phaze"}},
		"a phase that does not exist":      {"WasmPlugin", "sallyport", "LOGIN", at{"spec", "phase"}},
		"a policy that does not exist":     {"WasmPlugin", "sallyport", "FAIL_OPENED", at{"spec", "failStrategy"}},
		"a digest that is none":            {"WasmPlugin", "sallyport", "abc", at{"spec", "sha256"}},
		"a scheme that does not exist":     {"WasmPlugin", "sallyport", "ftp://x/y", at{"spec", "url"}},
		"a selector beside targetRefs":     {"WasmPlugin", "sallyport", []any{map[string]any{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "g"}}, at{"spec", "targetRefs"}},
		"a variable without a source":      {"WasmPlugin", "sallyport", []any{map[string]any{"name": "A", "valueFrom": "FILE"}}, at{"spec", "vmConfig", "env"}},
		"a port beyond the last":           {"ServiceEntry", "okta", 70000, at{"spec", "ports", 0, "number"}},
		"a resolution that does not exist": {"ServiceEntry", "okta", "DNSS", at{"spec", "resolution"}},
		"2-way TLS without a certificate":  {"DestinationRule", "backend", map[string]any{"mode": "MUTUAL"}, at{"spec", "trafficPolicy", "tls"}},
		"a duration without a unit":        {"DestinationRule", "okta", "1", at{"spec", "trafficPolicy", "connectionPool", "tcp", "connectTimeout"}},
		"an address that is none":          {"AuthorizationPolicy", "sallyport-addresses", []any{"203.0.113.0/240"}, at{"spec", "rules", 0, "from", 0, "source", "remoteIpBlocks"}},
		"an action that does not exist":    {"AuthorizationPolicy", "sallyport-addresses", "REFUSE", at{"spec", "action"}},
		"a gateway without hosts":          {"Gateway", "sallyport", []any{}, at{"spec", "servers", 0, "hosts"}},
		"a route with a weight below zero": {"VirtualService", "sallyport", -1, at{"spec", "http", 1, "route", 0, "weight"}},
		"a patch that Envoy does not know": {"EnvoyFilter", "sallyport-public-route", map[string]any{"typed_per_filter_config": map[string]any{"x": map[string]any{"disabled": true}}}, at{"spec", "configPatches", 0, "patch", "value"}},
		"a provider that is no list":       {"Telemetry", "sallyport", "sallyport", at{"spec", "accessLogging", 0, "providers"}},
	} {
		t.Run(name, func(t *testing.T) {
			all := oneGateway(t)
			last := len(mistake.at) - 1
			if err := add(all, mistake.kind, mistake.name, mistake.value, mistake.at[last].(string), mistake.at[:last]...); err != nil {
				t.Fatal(err)
			}
			if err := check(v, all); err == nil {
				t.Error("it was accepted")
			} else {
				t.Log(err)
			}
		})
	}
}
