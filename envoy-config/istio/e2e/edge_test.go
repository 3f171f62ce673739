package e2e

import (
	"errors"

	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	istio "istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config/mesh"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/envoy-config/internal/meshtest"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
)

// proxyIP is the gateway's address as Istio sees it. It must not be an endpoint's: istiod would take the endpoint for the
// gateway's own workload.
const proxyIP = "127.0.0.9"

// edge is one gateway: istiod in this process, Istio's agent and the Envoy that it starts.
type edge struct {
	t       *testing.T
	control *istio.FakeDiscoveryServer
	address string // of the gateway, host:port
	admin   string // of its Envoy
	client  *meshtest.Client
	output  meshtest.Output
}

// overlay gives the shipped manifests addresses of this machine, and nothing else.
func overlay(w *meshtest.Site, all []envoyconfig.Manifest, port int, module string) error {
	endpoint := func(hostPort string) []any {
		_, port, _ := net.SplitHostPort(hostPort)
		number, _ := strconv.Atoi(port)
		return []any{map[string]any{"address": "127.0.0.1", "ports": map[string]any{"tls": number}}}
	}
	errs := []error{
		meshtest.Change(all, "ServiceEntry", "okta", "STATIC", "spec", "resolution"),
		meshtest.Change(all, "ServiceEntry", "okta", endpoint(w.Okta), "spec", "endpoints"),
		meshtest.Change(all, "ServiceEntry", "backend", "STATIC", "spec", "resolution"),
		meshtest.Change(all, "ServiceEntry", "backend", endpoint(w.Backend), "spec", "endpoints"),
		// The CA of this test's Okta, in the place of the system's.
		meshtest.Change(all, "DestinationRule", "okta", w.CAFile, "spec", "trafficPolicy", "tls", "caCertificates"),
		meshtest.Change(all, "Gateway", "sallyport", port, "spec", "servers", 0, "port", "number"),
		meshtest.Change(all, "Gateway", "sallyport", "127.0.0.1", "spec", "servers", 0, "bind"),
	}
	for _, m := range all {
		plugin := envoyconfig.Path{"spec"}
		switch m.Kind {
		case "WasmPlugin":
		case "TrafficExtension":
			plugin = plugin.Then("wasm")
		default:
			continue
		}
		m.Set(module, plugin.Then("url"))
		m.Set(w.Digest(), plugin.Then("pluginConfig", "apps", 0, "keys", 0, "sha256"))
		errs = append(errs, m.Err())
	}
	return errors.Join(errs...)
}

// startEdge starts a gateway with these manifests, overlaid, and the module at this url. registry is host:port of where the agent
// may fetch without TLS.
func startEdge(t *testing.T, w *meshtest.Site, all []envoyconfig.Manifest, module, registry string) *edge {
	t.Helper()
	return startEdgeChanged(t, w, all, module, registry, func() error { return nil })
}

// startEdgeChanged is startEdge, with a change to what was overlaid.
func startEdgeChanged(t *testing.T, w *meshtest.Site, all []envoyconfig.Manifest, module, registry string, change func() error) *edge {
	t.Helper()
	need(t)
	ports := meshtest.FreePorts(t, 5)
	if err := overlay(w, all, ports[0], module); err != nil {
		t.Fatal(err)
	}
	if err := change(); err != nil {
		t.Fatal(err)
	}
	manifests, err := envoyconfig.ManifestsYAML(all)
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
	e := &edge{t: t, address: "127.0.0.1:" + strconv.Itoa(ports[0]), admin: "127.0.0.1:" + strconv.Itoa(ports[1])}
	var discovery string
	e.control = istio.NewFakeDiscoveryServer(t, istio.FakeOptions{
		ConfigString: string(manifests), KubernetesObjectString: secretsOf(t, w), MeshConfig: meshConfig, DisableSecretAuthorization: true,
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
	meshtest.Until(t.Context(), t, "the gateway listens", func() bool { return meshtest.Listens(e.address) })
	return e
}

// startAgent runs pilot-agent, which runs Envoy, in a mount namespace: it keeps modules in /var/lib, which is the machine's.
func (e *edge) startAgent(w *meshtest.Site, discovery, registry string, ports []int) {
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
		"discoveryAddress": discovery, "controlPlaneAuthPolicy": "NONE", "binaryPath": envoytest.Find(t), "configPath": "./etc/istio/proxy",
		"proxyAdminPort": ports[1], "statusPort": ports[2], "concurrency": 2, "terminationDrainDuration": "0s",
		"gatewayTopology": map[string]any{"numTrustedProxies": 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "-m", "sh", "-c", `mount -t tmpfs none /var/lib && mkdir -p /var/lib/istio/data && exec "$@"`, "sh",
		agent(t), "proxy", "router", "--domain", namespace+".svc.cluster.local", "--templateFile", template)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &e.output, &e.output
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
		e.output.Report(t, w)
	})
}
