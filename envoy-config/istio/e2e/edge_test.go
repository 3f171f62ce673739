package e2e

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	istio "istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config/mesh"

	"github.com/sallyport-gateway/sallyport/envoy-config/envoyrun"
	"github.com/sallyport-gateway/sallyport/envoy-config/testsite"
)

var quiet = log.New(io.Discard, "", 0)

// proxyIP is the gateway's address as Istio sees it. It must not be an endpoint's: istiod would take the endpoint for the
// gateway's own workload.
const proxyIP = "127.0.0.9"

// edge is one gateway: istiod in this process, Istio's agent and the Envoy that it starts.
type edge struct {
	t       *testing.T
	control *istio.FakeDiscoveryServer
	address string // of the gateway, host:port
	admin   string // of its Envoy
	client  *testsite.Client
	output  *lockedBuffer
}

type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// overlay gives the shipped manifests addresses of this machine, and nothing else.
func overlay(w *testsite.Site, all []manifest, port int, module string) error {
	endpoint := func(hostPort string) []any {
		_, port, _ := net.SplitHostPort(hostPort)
		number, _ := strconv.Atoi(port)
		return []any{map[string]any{"address": "127.0.0.1", "ports": map[string]any{"tls": number}}}
	}
	type change struct {
		kind, name string
		value      any
		member     string
		at         []any
	}
	changes := []change{
		{"ServiceEntry", "okta", "STATIC", "resolution", []any{"spec"}},
		{"ServiceEntry", "okta", endpoint(w.Okta), "endpoints", []any{"spec"}},
		{"ServiceEntry", "backend", "STATIC", "resolution", []any{"spec"}},
		{"ServiceEntry", "backend", endpoint(w.Backend), "endpoints", []any{"spec"}},
		// The CA of this test's Okta, in the place of the system's.
		{"DestinationRule", "okta", w.CAFile, "caCertificates", []any{"spec", "trafficPolicy", "tls"}},
		{"Gateway", "sallyport", port, "number", []any{"spec", "servers", 0, "port"}},
		{"Gateway", "sallyport", "127.0.0.1", "bind", []any{"spec", "servers", 0}},
	}
	for _, m := range all {
		switch m.kind {
		case "WasmPlugin":
			changes = append(changes, change{m.kind, m.name, module, "url", []any{"spec"}},
				change{m.kind, m.name, w.Digest(), "sha256", []any{"spec", "pluginConfig", "apps", 0, "keys", 0}})
		case "TrafficExtension":
			changes = append(changes, change{m.kind, m.name, module, "url", []any{"spec", "wasm"}},
				change{m.kind, m.name, w.Digest(), "sha256", []any{"spec", "wasm", "pluginConfig", "apps", 0, "keys", 0}})
		}
	}
	for _, c := range changes {
		if err := add(all, c.kind, c.name, c.value, c.member, c.at...); err != nil {
			return err
		}
	}
	return nil
}

// startEdge starts a gateway with these manifests, overlaid, and the module at this url. registry is host:port of where the agent
// may fetch without TLS.
func startEdge(t *testing.T, w *testsite.Site, all []manifest, module, registry string) *edge {
	t.Helper()
	return startEdgeChanged(t, w, all, module, registry, func() error { return nil })
}

// startEdgeChanged is startEdge, with a change to what was overlaid.
func startEdgeChanged(t *testing.T, w *testsite.Site, all []manifest, module, registry string, change func() error) *edge {
	t.Helper()
	need(t)
	ports := freePorts(t, 5)
	if err := overlay(w, all, ports[0], module); err != nil {
		t.Fatal(err)
	}
	if err := change(); err != nil {
		t.Fatal(err)
	}
	manifests, err := text(all)
	if err != nil {
		t.Fatal(err)
	}
	meshText, err := os.ReadFile("../mesh.yaml")
	if err != nil {
		t.Fatal(err)
	}
	meshConfig, err := mesh.ApplyMeshConfigDefaults(string(meshText))
	if err != nil {
		t.Fatal(err)
	}
	e := &edge{t: t, address: "127.0.0.1:" + strconv.Itoa(ports[0]), admin: "127.0.0.1:" + strconv.Itoa(ports[1]), output: &lockedBuffer{}}
	var discovery string
	e.control = istio.NewFakeDiscoveryServer(t, istio.FakeOptions{
		ConfigString: manifests, KubernetesObjectString: secretsOf(t, w), MeshConfig: meshConfig, DisableSecretAuthorization: true,
		ListenerBuilder: func() (net.Listener, error) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err == nil {
				discovery = l.Addr().String()
			}
			return l, err
		},
	})
	identify(e.control)
	e.startAgent(w, discovery, registry, ports)
	e.client = w.Client(t, e.address)
	e.until("the gateway listens", func() bool {
		conn, err := net.DialTimeout("tcp", e.address, time.Second)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return e
}

// startAgent runs pilot-agent, which runs Envoy, in a mount namespace: it keeps modules in /var/lib, which is the machine's.
func (e *edge) startAgent(w *testsite.Site, discovery, registry string, ports []int) {
	t := e.t
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "var/run/secrets/istio"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "var/run/secrets/istio/root-cert.pem"), w.CA.CertPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	template := filepath.Join(moduleDir(t, "istio.io/istio"), "tools/packaging/common/envoy_bootstrap.json")
	config, err := json.Marshal(map[string]any{
		"discoveryAddress": discovery, "controlPlaneAuthPolicy": "NONE", "binaryPath": envoyrun.ForTest(t), "configPath": "./etc/istio/proxy",
		"proxyAdminPort": ports[1], "statusPort": ports[2], "concurrency": 2, "terminationDrainDuration": "0s",
		"gatewayTopology": map[string]any{"numTrustedProxies": 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "-m", "sh", "-c", `mount -t tmpfs none /var/lib && mkdir -p /var/lib/istio/data && exec "$@"`, "sh",
		agentBinary(t), "proxy", "router", "--domain", namespace+".svc.cluster.local", "--templateFile", template)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, e.output, e.output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "POD_NAME=edge-0", "POD_NAMESPACE=" + namespace, "INSTANCE_IP=" + proxyIP, "SERVICE_ACCOUNT=edge",
		"ISTIO_META_CLUSTER_ID=Kubernetes", "ISTIO_META_UNPRIVILEGED_POD=true", `ISTIO_METAJSON_LABELS={"istio":"ingressgateway"}`,
		"ISTIO_BOOTSTRAP=" + template, "ENVOY_STATUS_PORT=" + strconv.Itoa(ports[3]), "ENVOY_PROMETHEUS_PORT=" + strconv.Itoa(ports[4]),
		"WASM_INSECURE_REGISTRIES=" + registry, "PROXY_CONFIG=" + string(config), "OKTA_CLIENT_SECRET=" + w.Secret,
		"PILOT_ENABLE_ALPN_FILTER=false", "PILOT_ENABLE_METADATA_EXCHANGE=false",
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		if t.Failed() {
			lines := strings.Split(e.output.String(), "\n")
			t.Logf("the agent and Envoy said:\n%s", strings.Join(lines[max(len(lines)-60, 0):], "\n"))
		}
		for _, secret := range []string{w.Secret, w.Key} {
			if strings.Contains(e.output.String(), secret) {
				t.Errorf("a secret was logged: %.6s…", secret)
			}
		}
	})
}

// until polls.
func (e *edge) until(what string, ok func() bool) {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.t.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for !ok() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			e.t.Fatalf("wait until %s", what)
		}
	}
}

// stats are Envoy's, by name.
func (e *edge) stats() map[string]uint64 {
	e.t.Helper()
	response, err := http.Get("http://" + e.admin + "/stats?format=json")
	if err != nil {
		e.t.Fatal(err)
	}
	defer response.Body.Close()
	var all struct {
		Stats []struct {
			Name  string
			Value json.RawMessage
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&all); err != nil {
		e.t.Fatal(err)
	}
	numbers := map[string]uint64{}
	for _, s := range all.Stats {
		if n, err := strconv.ParseUint(string(s.Value), 10, 64); err == nil {
			numbers[s.Name] = n
		}
	}
	return numbers
}

// decisions is how many requests the filter has decided.
func (e *edge) decisions() (n uint64) {
	for name, value := range e.stats() {
		if strings.Contains(name, "sallyport_decisions") {
			n += value
		}
	}
	return n
}
