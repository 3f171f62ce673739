package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// filter is the module that `make wasm` made.
func filter(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../../build/sallyport.wasm")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: run it by `make e2e-istio`", err)
	}
	return path
}

var buildAgent = sync.OnceValues(func() (string, error) {
	path, err := filepath.Abs("../../../build/istio/pilot-agent")
	if err != nil {
		return "", err
	}
	if out, err := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "istio.io/istio/pilot/cmd/pilot-agent").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build Istio's agent: %w: %s", err, out)
	}
	return path, nil
})

func agentBinary(t *testing.T) string {
	t.Helper()
	path, err := buildAgent()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func moduleDir(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatalf("find %s: %v", module, err)
	}
	return strings.TrimSpace(string(out))
}

func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// need skips the test where a gateway cannot run; where CI=true that is a failure.
func need(t *testing.T) {
	t.Helper()
	problem := ""
	switch {
	case os.Getenv("PILOT_ENABLE_METADATA_EXCHANGE") != "false":
		problem = "Istio's filters must be switched off before its code is loaded: run it by `make e2e-istio`"
	case os.Geteuid() != 0:
		problem = "Istio's agent needs a mount namespace: run it as root"
	}
	if problem == "" {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(problem)
	}
	t.Skip(problem)
}
