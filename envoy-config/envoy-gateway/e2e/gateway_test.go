package e2e

import (
	"io"
	"log"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/envoy-config/internal/meshtest"
)

func nothing([]envoyconfig.Manifest) error { return nil }

// pushed is the filter's image in a registry on loopback.
func pushed(t *testing.T) (image, digest string) {
	t.Helper()
	host, pushed := meshtest.Pushed(t, registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	return host + "/sallyport:v1", pushed.Encoded()
}

// TestEnvoyGatewaySequence: the shipped manifests, the whole sequence, with the filter's own callout to Okta.
func TestEnvoyGatewaySequence(t *testing.T) {
	s := meshtest.New(t)
	image, digest := pushed(t)
	e := start(t, s, all(t), image, digest, nothing)
	e.ready()
	meshtest.PlaySequence(t, s, e.client, func() uint64 { return meshtest.Decisions(t, e.admin()) })
	meshtest.WantRequestTimeout(t, e.admin(), "30s")
	e.client.Want(t, "the route that is Okta's", "403", "/", "host", "okta.sallyport.invalid")
}
