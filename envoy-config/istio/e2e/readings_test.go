package e2e

import (
	"testing"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/envoy-config/internal/meshtest"
)

// TestPathReadingsAndForgedIdentity: no spelling of a guarded path is served without a key, and the public route passes on no
// identity that a client claims. The same manifests with the public route as it was
// show that some would be.
func TestPathReadingsAndForgedIdentity(t *testing.T) {
	t.Run("as shipped", func(t *testing.T) {
		w := meshtest.New(t)
		e := startEdge(t, w, oneGateway(t), "file://"+meshtest.Module(t), "")
		meshtest.PlayReadings(t, w, e.client, false)
		meshtest.PlayForged(t, w, e.client, false)
	})
	t.Run("as it was", func(t *testing.T) {
		w := meshtest.New(t)
		all := oneGateway(t)
		if err := meshtest.Change(all, "VirtualService", "sallyport", map[string]any{"prefix": "/public/"}, "spec", "http", 0, "match", 0, "uri"); err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			if m.Is("EnvoyFilter", "sallyport-public-route") {
				patches := envoyconfig.Path{"spec", "configPatches"}
				m.Delete(patches.Then(1, "patch", "value", "typed_per_filter_config", "sallyport-header-mutation"))
				m.Set([]any{m.Get(patches.Then(1))}, patches)
				if err := m.Err(); err != nil {
					t.Fatal(err)
				}
			}
		}
		e := startEdge(t, w, all, "file://"+meshtest.Module(t), "")
		meshtest.PlayReadings(t, w, e.client, true)
		meshtest.PlayForged(t, w, e.client, true)
	})
}
