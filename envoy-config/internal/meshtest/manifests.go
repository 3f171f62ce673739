package meshtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
)

// Root is this project's folder, as seen from the modules of the manifests' tests.
const Root = "../../.."

// Change sets one place of one manifest. The last member may be new; the object that gets it must be there, so that nothing is
// changed that is not shipped.
func Change(all []envoyconfig.Manifest, kind, name string, value any, at ...any) error {
	for _, m := range all {
		if m.Is(kind, name) {
			m.Add(value, at)
			return m.Err()
		}
	}
	return fmt.Errorf("there is no %s %s", kind, name)
}

// Mistake is a change that someone may make to a manifest and that must be found.
type Mistake struct {
	Kind, Name string
	Value      any
	At         []any
}

// FindsMistakes makes each mistake in a fresh copy of the manifests, and wants the check to refuse it.
func FindsMistakes(t *testing.T, mistakes map[string]Mistake, load func(*testing.T) []envoyconfig.Manifest, check func([]envoyconfig.Manifest) error) {
	t.Helper()
	for name, m := range mistakes {
		t.Run(name, func(t *testing.T) {
			all := load(t)
			if err := Change(all, m.Kind, m.Name, m.Value, m.At...); err != nil {
				t.Fatal(err)
			}
			err := check(all)
			if err == nil {
				t.Error("it was accepted")
			}
			t.Log(err)
		})
	}
}

// Engines are where engines of quotas can be: a Service of the mesh, a host outside of it, addresses.
var Engines = []string{"ratelimit.sallyport-quota.svc.cluster.local:8081", "counts.example.com:8082", "192.0.2.9:8083", "[2001:db8::9]:8084"}

// RenderedWithEngines is Rendered with a quota for each of Engines.
func RenderedWithEngines(t *testing.T, target string, config any) []envoyconfig.Manifest {
	t.Helper()
	root, ok := config.(map[string]any)
	if !ok {
		t.Fatalf("the configuration is %v", config)
	}
	var flags []string
	for i, engine := range Engines {
		cluster := fmt.Sprintf("engine-%d", i)
		root["sequence"] = append(root["sequence"].([]any), map[string]any{"quota": map[string]any{
			"name": cluster, "per": "app", "limit": 5, "interval": "day", "mode": "exact", "engine": map[string]any{"cluster": cluster}}})
		flags = append(flags, "--quota-engine", cluster+"="+engine)
	}
	return Rendered(t, target, root, flags...)
}

// Rendered is what `sallyport render` with these flags makes of a configuration for that target.
func Rendered(t *testing.T, target string, config any, flags ...string) []envoyconfig.Manifest {
	t.Helper()
	source, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "sallyport.yaml")
	if err := os.WriteFile(file, source, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"run", "./filter/cmd/sallyport", "render", "--for", target, "--file", file,
		"--backend", BackendHost + ":8443", "--image", "registry.example.com/sallyport@sha256:" + strings.Repeat("0", 64)}
	cmd := exec.CommandContext(t.Context(), "go", append(args, flags...)...)
	cmd.Dir, cmd.Stderr = Root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	all, err := envoyconfig.Manifests("what was rendered", out)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
