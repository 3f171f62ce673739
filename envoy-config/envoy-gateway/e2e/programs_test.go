package e2e

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

var buildGateway = sync.OnceValues(func() (string, error) {
	path, err := filepath.Abs("../../../build/envoy-gateway/envoy-gateway")
	if err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-p", "2", "-trimpath", "-ldflags", "-s -w", "-o", path, "github.com/envoyproxy/gateway/cmd/envoy-gateway").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build envoy-gateway: %w: %s", err, out)
	}
	return path, nil
})

func gatewayBinary(t *testing.T) string {
	t.Helper()
	path, err := buildGateway()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
