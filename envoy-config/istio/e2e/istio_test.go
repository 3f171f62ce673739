package e2e

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/envoy-config/internal/meshtest"
)

// TestIstioSequence: the shipped manifests, the whole sequence, with the filter's own callout to Okta.
func TestIstioSequence(t *testing.T) {
	w := meshtest.New(t)
	e := startEdge(t, w, oneGateway(t), "file://"+meshtest.Module(t), "")
	meshtest.PlaySequence(t, w, e.client, func() uint64 { return meshtest.Decisions(t, e.admin) })
	meshtest.WantRequestTimeout(t, e.admin, "30s")
	e.client.Want(t, "another path", "404 api.unknown", "/other")
}
