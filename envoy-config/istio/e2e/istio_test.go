package e2e

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/envoy-config/testsite"
)

// TestIstioSequence: the shipped manifests, the whole sequence, with the filter's own callout to Okta.
func TestIstioSequence(t *testing.T) {
	w := testsite.New(t)
	e := startEdge(t, w, oneGateway(t), "file://"+testsite.Module(t), "")
	testsite.PlaySequence(t, w, e.client, func() uint64 { return testsite.Decisions(t, e.admin) })
	testsite.WantRequestTimeout(t, e.admin, "30s")
	e.client.Want(t, "another path", "404 api.unknown", "/other")
}
