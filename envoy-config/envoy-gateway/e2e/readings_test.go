package e2e

import (
	"errors"
	"testing"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/envoy-config/internal/meshtest"
)

// TestPathReadingsAndForgedIdentity: no spelling of a guarded path is served without a key, and the public route passes on no
// identity that a client claims. The same manifests with the public route as it was
// show that some would be.
func TestPathReadingsAndForgedIdentity(t *testing.T) {
	image, digest := pushed(t)
	t.Run("as shipped", func(t *testing.T) {
		s := meshtest.New(t)
		e := start(t, s, all(t), image, digest, nothing)
		e.ready()
		meshtest.PlayReadings(t, s, e.client, false)
		meshtest.PlayForged(t, s, e.client, false)
	})
	t.Run("as it was", func(t *testing.T) {
		s := meshtest.New(t)
		e := start(t, s, all(t), image, digest, func(manifests []envoyconfig.Manifest) error {
			prefix := map[string]any{"type": "PathPrefix", "value": "/public/"}
			return errors.Join(
				meshtest.Change(manifests, "HTTPRoute", "public", prefix, "spec", "rules", 0, "matches", 0, "path"),
				meshtest.Change(manifests, "HTTPRoute", "public", []any{}, "spec", "rules", 0, "filters"),
				meshtest.Change(manifests, "ClientTrafficPolicy", "sallyport", map[string]any{"withUnderscoresAction": "RejectRequest"}, "spec", "headers"),
			)
		})
		e.ready()
		meshtest.PlayReadings(t, s, e.client, true)
		meshtest.PlayForged(t, s, e.client, true)
	})
}
