package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/envoy-config/internal/meshtest"
	"github.com/sallyport-gateway/sallyport/hostsim/pki"
)

// TestIstioTrustsNobodyElse: an Okta or a backend that cannot prove its name gets nothing, and nobody passes.
func TestIstioTrustsNobodyElse(t *testing.T) {
	others, err := pki.NewCA("Others", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	otherCA := filepath.Join(t.TempDir(), "other.pem")
	if err := os.WriteFile(otherCA, others.CertPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		rule   string
		member string
		value  any
		want   string
	}{
		"Okta with another name":       {"okta", "subjectAltNames", []any{"login.example.org"}, "503 introspection.unreachable"},
		"Okta of another CA":           {"okta", "caCertificates", otherCA, "503 introspection.unreachable"},
		"a backend with another name":  {"backend", "subjectAltNames", []any{"other.example.internal"}, "503"},
		"a backend without our secret": {"backend", "credentialName", "no-such-secret", "503"},
	} {
		t.Run(name, func(t *testing.T) {
			w, all := meshtest.New(t), oneGateway(t)
			e := startEdgeChanged(t, w, all, "file://"+meshtest.Module(t), "", func() error {
				return meshtest.Change(all, "DestinationRule", test.rule, test.value, "spec", "trafficPolicy", "tls", test.member)
			})
			e.client.Want(t, "a good request", test.want, meshtest.Order, w.Good(t)...)
			if n := w.Requests(); n != 0 {
				t.Errorf("the backend saw %d requests", n)
			}
			if n := w.Org.IntrospectionCalls(); test.rule == "okta" && n != 0 {
				t.Errorf("Okta saw %d introspections", n)
			}
		})
	}
}

// TestIstioSpikeArrest: the limit holds in the mesh too, over both workers.
func TestIstioSpikeArrest(t *testing.T) {
	w, all := meshtest.New(t), oneGateway(t)
	if err := meshtest.Change(all, "WasmPlugin", "sallyport", map[string]any{"rate": "6pm", "burst": 5.0}, "spec", "pluginConfig", "sequence", 0, "spike_arrest"); err != nil {
		t.Fatal(err)
	}
	e := startEdge(t, w, all, "file://"+meshtest.Module(t), "")
	good, counts := w.Good(t), map[string]int{}
	for range 30 {
		got, err := e.client.Ask(t.Context(), meshtest.Order, good...)
		if err != nil {
			t.Fatal(err)
		}
		counts[got.String()]++
	}
	// 5 at once, and one more each 10 s.
	if n := counts["200"]; n < 5 || n > 8 || counts["429 spike_arrest.exceeded"] != 30-n {
		t.Errorf("30 requests at once: %v", counts)
	}
	if n := w.Requests(); n != int64(counts["200"]) {
		t.Errorf("the backend saw %d requests", n)
	}
}

// TestIstioTrafficExtension: the newer kind runs the filter too.
func TestIstioTrafficExtension(t *testing.T) {
	w := meshtest.New(t)
	var all []envoyconfig.Manifest
	for _, m := range oneGateway(t) {
		if m.Kind != "WasmPlugin" && m.Kind != "EnvoyFilter" {
			all = append(all, m)
		}
	}
	e := startEdge(t, w, append(all, trafficExtension(t)...), "file://"+meshtest.Module(t), "")
	e.client.Want(t, "no key", "401 api_key.missing", meshtest.Order)
	e.client.Want(t, "a good key", "200", meshtest.Order, "x-api-key", w.Key)
}
