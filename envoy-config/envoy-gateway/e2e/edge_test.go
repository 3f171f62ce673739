package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
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

	"sigs.k8s.io/yaml"

	"github.com/sallyport-gateway/sallyport/envoy-config/envoyrun"
	"github.com/sallyport-gateway/sallyport/envoy-config/testsite"
)

// patience bounds every wait of a test; a machine that is busy may need some of it.
const patience = 90 * time.Second

// xdsAddress is where Envoy Gateway serves its Envoy; it cannot be chosen.
const xdsAddress = "127.0.0.1:18000"

// edge is one gateway: envoy-gateway as a process, and the Envoy that it starts.
type edge struct {
	t      *testing.T
	dir    string // of its files
	config string // the file with the manifests, which it watches
	port   int    // of the gateway
	client *testsite.Client
	output *lockedBuffer
}

type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
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

// start runs a gateway with these manifests, overlaid, and the module of this image.
func start(t *testing.T, s *testsite.Site, manifests []manifest, image, digest string, change func([]manifest) error) *edge {
	t.Helper()
	program := gatewayBinary(t)
	e := &edge{t: t, dir: t.TempDir(), port: freePort(t), output: &lockedBuffer{}}
	e.config = filepath.Join(e.dir, "config", "gateway.yaml")
	e.client = s.Client(t, "127.0.0.1:"+strconv.Itoa(e.port))
	version := filepath.Join(e.dir, "data", "envoy-versions", envoyrun.Version, "bin")
	for _, dir := range []string{filepath.Dir(e.config), version, filepath.Join(e.dir, "home")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(envoyrun.ForTest(t), filepath.Join(version, "envoy")); err != nil {
		t.Fatal(err)
	}
	if err := overlay(s, manifests, e.port, image, digest); err != nil {
		t.Fatal(err)
	}
	if err := change(manifests); err != nil {
		t.Fatal(err)
	}
	e.write(append(manifests, e.standalone(s)...))
	e.run(s, program)
	e.until("the gateway listens", func() bool {
		conn, err := net.DialTimeout("tcp", "127.0.0.1:"+strconv.Itoa(e.port), time.Second)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return e
}

// write puts the manifests where Envoy Gateway looks, all at once.
func (e *edge) write(manifests []manifest) {
	e.t.Helper()
	document, err := text(manifests)
	if err != nil {
		e.t.Fatal(err)
	}
	// In one move: from half a file Envoy Gateway would take that the rest is to go.
	next := filepath.Join(e.dir, "next.yaml")
	if err := os.WriteFile(next, []byte(document), 0o600); err != nil {
		e.t.Fatal(err)
	}
	if err := os.Rename(next, e.config); err != nil {
		e.t.Fatal(err)
	}
}

// run makes the certificates between Envoy Gateway and its Envoy, and starts it.
func (e *edge) run(s *testsite.Site, program string) {
	t := e.t
	t.Helper()
	host := map[string]any{}
	for _, name := range []string{"configHome", "dataHome", "stateHome", "runtimeDir"} {
		host[name] = filepath.Join(e.dir, map[string]string{"configHome": "home", "dataHome": "data", "stateHome": "state", "runtimeDir": "run"}[name])
	}
	settings, err := yaml.Marshal(map[string]any{
		"apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "EnvoyGateway",
		"gateway": map[string]any{"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"},
		"provider": map[string]any{"type": "Custom", "custom": map[string]any{
			"resource":       map[string]any{"type": "File", "file": map[string]any{"paths": []any{filepath.Dir(e.config)}}},
			"infrastructure": map[string]any{"type": "Host", "host": host},
		}},
		"admin":         map[string]any{"address": map[string]any{"host": "127.0.0.1", "port": freePort(t)}},
		"extensionApis": map[string]any{"enableBackend": true, "enableEnvoyPatchPolicy": true},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(e.dir, "eg.yaml")
	if err := os.WriteFile(file, settings, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(program, "certgen", "--local", "--config-home", filepath.Join(e.dir, "home")).CombinedOutput(); err != nil {
		t.Fatalf("make certificates: %v: %s", err, out)
	}
	cmd := exec.Command(program, "server", "--config-path", file)
	cmd.Dir, cmd.Stdout, cmd.Stderr = e.dir, e.output, e.output
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + e.dir, "OKTA_CLIENT_SECRET=" + s.Secret}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.stop(s, cmd) })
}

// stop ends the processes, and looks what they said.
func (e *edge) stop(s *testsite.Site, cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	<-ended
	e.untilIn(context.Background(), "its ports are free", func() bool { return !answers(xdsAddress) })
	if e.t.Failed() {
		lines := strings.Split(e.output.String(), "\n")
		e.t.Logf("envoy-gateway and Envoy said:\n%s", strings.Join(lines[max(len(lines)-40, 0):], "\n"))
	}
	for _, secret := range []string{s.Secret, s.Key} {
		if strings.Contains(e.output.String(), secret) {
			e.t.Errorf("a secret was logged: %.6s…", secret)
		}
	}
}

func answers(address string) bool {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err == nil {
		conn.Close()
	}
	return err == nil
}

func (e *edge) until(what string, ok func() bool) {
	e.t.Helper()
	e.untilIn(e.t.Context(), what, ok)
}

// untilIn polls.
func (e *edge) untilIn(ctx context.Context, what string, ok func() bool) {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
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

// decisions is how many requests the filter has decided.
func (e *edge) decisions() (n uint64) {
	e.t.Helper()
	response, err := http.Get("http://" + e.admin() + "/stats?format=json&filter=sallyport_decisions")
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
	for _, s := range all.Stats {
		if value, err := strconv.ParseUint(string(s.Value), 10, 64); err == nil && s.Name != "" {
			n += value
		}
	}
	return n
}
