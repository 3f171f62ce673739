package e2e

import (
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/kubectl-validate/pkg/openapiclient"
	"sigs.k8s.io/kubectl-validate/pkg/validator"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
)

// TestValidateKubernetes: what is shipped of Kubernetes' own kinds, by its own schemas: the engine of quotas, and the
// ConfigMap of the chart.
func TestValidateKubernetes(t *testing.T) {
	v, err := validator.New(openapiclient.NewHardcodedBuiltins("1.31"))
	if err != nil {
		t.Fatal(err)
	}
	const file = "../../ratelimit/kubernetes.yaml"
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all, err := envoyconfig.Manifests(file, source)
	if err != nil {
		t.Fatal(err)
	}
	if err := check(v, all); err != nil {
		t.Error(err)
	}
	for from, to := range map[string]string{"replicas: 2": "replicas: two", "containers:": "container:"} {
		wrong, err := envoyconfig.Manifests(file, []byte(strings.Replace(string(source), from, to, 1)))
		if err != nil {
			t.Fatal(err)
		}
		if check(v, wrong) == nil {
			t.Errorf("%s is not found", to)
		}
	}
	rendered, err := chart.Render(t, "{}")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range rendered {
		if m.Kind == "ConfigMap" {
			if err := check(v, []envoyconfig.Manifest{m}); err != nil {
				t.Error(err)
			}
		}
	}
}
