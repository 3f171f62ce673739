package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/pki"
)

func goodRequest(t *testing.T, w *world) []string {
	t.Helper()
	return []string{"x-api-key", w.key, "authorization", "Bearer " + w.token(t, "customers.read")}
}

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
			w, all := newWorld(t), oneGateway(t)
			e := startEdgeChanged(t, w, all, "file://"+filter(t), "", func() error {
				return add(all, "DestinationRule", test.rule, test.value, test.member, "spec", "trafficPolicy", "tls")
			})
			e.want("a good request", test.want, order, goodRequest(t, w)...)
			if n := w.requests.Load(); n != 0 {
				t.Errorf("the backend saw %d requests", n)
			}
			if n := w.org.IntrospectionCalls(); test.rule == "okta" && n != 0 {
				t.Errorf("Okta saw %d introspections", n)
			}
		})
	}
}

// TestIstioSpikeArrest: the limit holds in the mesh too, over both workers.
func TestIstioSpikeArrest(t *testing.T) {
	w, all := newWorld(t), oneGateway(t)
	if err := set(all, "WasmPlugin", "sallyport", map[string]any{"rate": "6pm", "burst": 5.0}, "spec", "pluginConfig", "sequence", 0, "spike_arrest"); err != nil {
		t.Fatal(err)
	}
	e := startEdge(t, w, all, "file://"+filter(t), "")
	good, counts := goodRequest(t, w), map[string]int{}
	for range 30 {
		got, err := e.ask(order, good...)
		if err != nil {
			t.Fatal(err)
		}
		counts[got.String()]++
	}
	// 5 at once, and one more each 10 s.
	if n := counts["200"]; n < 5 || n > 8 || counts["429 spike_arrest.exceeded"] != 30-n {
		t.Errorf("30 requests at once: %v", counts)
	}
	if n := w.requests.Load(); strconv.FormatInt(n, 10) != strconv.Itoa(counts["200"]) {
		t.Errorf("the backend saw %d requests", n)
	}
}

// TestIstioTrafficExtension: the newer kind runs the filter too.
func TestIstioTrafficExtension(t *testing.T) {
	w := newWorld(t)
	var all []manifest
	for _, m := range oneGateway(t) {
		if m.kind != "WasmPlugin" && m.kind != "EnvoyFilter" {
			all = append(all, m)
		}
	}
	e := startEdge(t, w, append(all, trafficExtension(t)...), "file://"+filter(t), "")
	e.want("no key", "401 api_key.missing", order)
	e.want("a good key", "200", order, "x-api-key", w.key)
}
