package main

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// TestUsageRawOnEnvoy: a real Envoy without stats_tags tells who called what, and when a key was last used.
func TestUsageRawOnEnvoy(t *testing.T) {
	envoy, sallyport := envoytest.Find(t), build(t)
	w := &walk{t: t, dir: t.TempDir()}
	backend := httptest.NewServer(nil)
	t.Cleanup(backend.Close)
	gateway, admin := freeAddress(t), freeAddress(t)
	key := strings.TrimSpace(w.command(sallyport, "init", "--server", "none", "--app", "web shop"))
	manifest := w.command(sallyport, "render", "--for", "envoy", "--backend", backend.Listener.Addr().String(), "--backend-tls", "plain",
		"--listen", gateway, "--listen-tls", "plain", "--admin", admin, "--module", wasmbuild.Package(t, "./filter"))
	var bootstrap map[string]any
	if err := yaml.Unmarshal([]byte(manifest), &bootstrap); err != nil {
		t.Fatal(err)
	}
	delete(bootstrap, "stats_config")
	text, err := yaml.Marshal(bootstrap)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "envoy.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	w.start(envoy, "http://"+admin+"/ready", "A=b")
	for range 3 {
		w.command("curl", "-sS", "-H", "x-api-key: "+key, "http://"+gateway+"/customers/v1/orders")
	}
	w.command("curl", "-sS", "http://"+gateway+"/customers/v1/orders")
	// The filter reports every few seconds; before that, usage says so.
	for range 100 {
		out, err := exec.CommandContext(t.Context(), sallyport, "usage", "--envoy", "http://"+admin).CombinedOutput()
		if err == nil && regexp.MustCompile(` 3 +0 `).Match(out) && strings.Contains(string(out), "api_key.missing 1") {
			break // each worker reports for itself
		}
		if err != nil && !strings.Contains(string(out), "reports every few seconds") {
			t.Fatalf("%v: %s", err, out)
		}
		time.Sleep(100 * time.Millisecond)
	}
	got := w.command(sallyport, "usage", "--envoy", "http://"+admin)
	if !regexp.MustCompile(`(?m)^customers +v1 +web shop +customers +3 +0 +0 `).MatchString(got) || !strings.Contains(got, "api_key.missing 1") {
		t.Errorf("usage says\n%s", got)
	}
	if got = w.command(sallyport, "keys", "list", "--envoy", "http://"+admin); !regexp.MustCompile(`(?m)^k-\S+ +web shop +approved +never +20\d\d-`).MatchString(got) {
		t.Errorf("keys list says\n%s", got)
	}
}
