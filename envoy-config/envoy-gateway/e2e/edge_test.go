package e2e

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/envoy-config/internal/meshtest"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
)

// xdsAddress is where Envoy Gateway serves its Envoy; it cannot be chosen.
const xdsAddress = "127.0.0.1:18000"

// edge is one gateway: envoy-gateway as a process, and the Envoy that it starts.
type edge struct {
	t      *testing.T
	dir    string // of its files
	config string // the file with the manifests, which it watches
	port   int    // of the gateway
	client *meshtest.Client
	output meshtest.Output
}

// program is Envoy Gateway itself.
var program = meshtest.Program("github.com/envoyproxy/gateway/cmd/envoy-gateway")

// start runs a gateway with these manifests, overlaid, and the module of this image.
func start(t *testing.T, s *meshtest.Site, manifests []envoyconfig.Manifest, image, digest string, change func([]envoyconfig.Manifest) error) *edge {
	t.Helper()
	e := &edge{t: t, dir: t.TempDir(), port: meshtest.FreePorts(t, 1)[0]}
	e.config = filepath.Join(e.dir, "config", "gateway.yaml")
	e.client = s.Client(t, "127.0.0.1:"+strconv.Itoa(e.port))
	version := filepath.Join(e.dir, "data", "envoy-versions", envoyrun.Version, "bin")
	for _, dir := range []string{filepath.Dir(e.config), version, filepath.Join(e.dir, "home")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(envoytest.Find(t), filepath.Join(version, "envoy")); err != nil {
		t.Fatal(err)
	}
	if err := overlay(s, manifests, e.port, image, digest); err != nil {
		t.Fatal(err)
	}
	if err := change(manifests); err != nil {
		t.Fatal(err)
	}
	e.write(append(manifests, e.standalone(s)...))
	e.run(s, program(t))
	meshtest.Until(t.Context(), t, "the gateway listens", func() bool { return meshtest.Listens("127.0.0.1:" + strconv.Itoa(e.port)) })
	return e
}

// write puts the manifests where Envoy Gateway looks, all at once.
func (e *edge) write(manifests []envoyconfig.Manifest) {
	e.t.Helper()
	document, err := envoyconfig.ManifestsYAML(manifests)
	if err != nil {
		e.t.Fatal(err)
	}
	// In one move: from half a file Envoy Gateway would take that the rest is to go.
	next := filepath.Join(e.dir, "next.yaml")
	if err := os.WriteFile(next, document, 0o600); err != nil {
		e.t.Fatal(err)
	}
	if err := os.Rename(next, e.config); err != nil {
		e.t.Fatal(err)
	}
}

// run makes the certificates between Envoy Gateway and its Envoy, and starts it.
func (e *edge) run(s *meshtest.Site, program string) {
	t := e.t
	t.Helper()
	in := func(folder string) string { return filepath.Join(e.dir, folder) }
	host := map[string]any{"configHome": in("home"), "dataHome": in("data"), "stateHome": in("state"), "runtimeDir": in("run")}
	settings, err := yaml.Marshal(map[string]any{
		"apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "EnvoyGateway",
		"gateway": map[string]any{"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"},
		"provider": map[string]any{"type": "Custom", "custom": map[string]any{
			"resource":       map[string]any{"type": "File", "file": map[string]any{"paths": []any{filepath.Dir(e.config)}}},
			"infrastructure": map[string]any{"type": "Host", "host": host},
		}},
		"admin":         map[string]any{"address": map[string]any{"host": "127.0.0.1", "port": meshtest.FreePorts(t, 1)[0]}},
		"extensionApis": map[string]any{"enableBackend": true, "enableEnvoyPatchPolicy": true},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := in("eg.yaml")
	if err := os.WriteFile(file, settings, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(program, "certgen", "--local", "--config-home", in("home")).CombinedOutput(); err != nil {
		t.Fatalf("make certificates: %v: %s", err, out)
	}
	cmd := exec.Command(program, "server", "--config-path", file)
	cmd.Dir, cmd.Stdout, cmd.Stderr = e.dir, &e.output, &e.output
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + e.dir, "OKTA_CLIENT_SECRET=" + s.Secret}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.stop(s, cmd) })
}

// stop ends the processes, and looks what they said.
func (e *edge) stop(s *meshtest.Site, cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	<-ended
	meshtest.Until(context.Background(), e.t, "its port is free", func() bool { return !meshtest.Listens(xdsAddress) })
	e.output.Report(e.t, s)
}

// admin is the address of Envoy's admin interface, which it writes into a file.
func (e *edge) admin() string {
	e.t.Helper()
	address := ""
	err := filepath.WalkDir(e.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(d.Name(), "admin-address") {
			text, err := os.ReadFile(path)
			address = strings.TrimSpace(string(text))
			return err
		}
		return err
	})
	if err != nil || address == "" {
		e.t.Fatalf("find Envoy's admin address: %q, %v", address, err)
	}
	return address
}
