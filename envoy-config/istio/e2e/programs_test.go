package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/envoy-config/internal/meshtest"
)

var agent = meshtest.Program("istio.io/istio/pilot/cmd/pilot-agent")

func moduleDir(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatalf("find %s: %v", module, err)
	}
	return strings.TrimSpace(string(out))
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
