package meshtest

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
)

// Chart is one of the charts in envoy-config/helm.
type Chart struct{ Name, Namespace string }

// helm is the program; without it the test is skipped, or fails where CI=true.
func helm(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(Root, "build", "bin", "helm-*"))
	if err == nil && len(found) == 1 {
		return found[0]
	}
	const missing = "there is no helm, or more than one, in build/bin: make helm"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

func (c Chart) run(t *testing.T, command, values string) (out []byte, err error) {
	t.Helper()
	dir := filepath.Join(Root, "envoy-config", "helm", c.Name)
	args := []string{command}
	if command == "template" {
		args = append(args, "release")
	} else {
		args = append(args, "--strict")
	}
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, []byte(values), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), helm(t), append(args, dir, "--namespace", c.Namespace, "--values", file)...)
	// Nothing from whoever runs the test: no plugins, no repositories.
	home := t.TempDir()
	cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "HELM_PLUGINS=" + home}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if out, err = cmd.Output(); err != nil {
		return nil, fmt.Errorf("helm %s: %w: %s%s", command, err, out, stderr.String())
	}
	return out, nil
}

// Lint is `helm lint --strict` with these values over the chart's own.
func (c Chart) Lint(t *testing.T, values string) error {
	t.Helper()
	_, err := c.run(t, "lint", values)
	return err
}

// Render is `helm template` with these values over the chart's own.
func (c Chart) Render(t *testing.T, values string) ([]envoyconfig.Manifest, error) {
	t.Helper()
	out, err := c.run(t, "template", values)
	if err != nil {
		return nil, err
	}
	return envoyconfig.Manifests("the chart "+c.Name, bytes.TrimPrefix(out, []byte("---\n")))
}

// WantShipped compares a chart with these values to the manifests that are shipped: they are the same except for the
// chart's labels, the ConfigMap of the catalog, and what differs removes from the chart's manifests.
func (c Chart) WantShipped(t *testing.T, values string, shipped []envoyconfig.Manifest, differs ...func(envoyconfig.Manifest)) {
	t.Helper()
	rendered, err := c.Render(t, values)
	if err != nil {
		t.Fatal(err)
	}
	want, got := map[string]any{}, map[string]any{}
	for _, m := range shipped {
		want[m.Kind+" "+m.Name] = plain(t, m)
	}
	for _, m := range rendered {
		if m.Is("ConfigMap", "sallyport-catalog") {
			continue
		}
		for _, differ := range differs {
			differ(m)
		}
		got[m.Kind+" "+m.Name] = plain(t, m)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the chart %s differs from the manifests (-shipped +chart):\n%s", c.Name, diff)
	}
}

// QuotaValues are a chart's values for a shipped configuration with a quota, whose engine is at this host.
func QuotaValues(t *testing.T, config any, host string) string {
	t.Helper()
	rest := maps.Clone(config.(map[string]any))
	for _, member := range []string{"apis", "products", "apps"} {
		delete(rest, member)
	}
	text, err := yaml.Marshal(map[string]any{"config": rest, "quotaEngine": map[string]any{"host": host}})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// plain is a manifest without labels and namespace.
func plain(t *testing.T, m envoyconfig.Manifest) any {
	t.Helper()
	text, err := m.YAML()
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := yaml.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	metadata, _ := root["metadata"].(map[string]any)
	delete(metadata, "labels")
	delete(metadata, "namespace")
	return root
}

// Refusal is a set of values that a chart must refuse, and what it says.
type Refusal struct{ Values, Says string }

// Refuses checks that a chart refuses each set of values with a helpful message.
func (c Chart) Refuses(t *testing.T, refusals map[string]Refusal) {
	t.Helper()
	for name, r := range refusals {
		t.Run(name, func(t *testing.T) {
			if _, err := c.Render(t, r.Values); err == nil || !strings.Contains(err.Error(), r.Says) {
				t.Errorf("the chart says %v, want %q", err, r.Says)
			}
		})
	}
}

// WithCRD are the manifests of kinds that have a CRD: Kubernetes' own have none.
func WithCRD(all []envoyconfig.Manifest) (rest []envoyconfig.Manifest) {
	for _, m := range all {
		if m.Kind != "ConfigMap" {
			rest = append(rest, m)
		}
	}
	return rest
}
