package e2e

import (
	"io"
	"log"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/sallyport-gateway/sallyport/envoy-config/internal/meshtest"
)

// TestIstioOCI: the agent fetches the module from a registry; one that is not what was pinned lets nothing through.
func TestIstioOCI(t *testing.T) {
	host, digest := meshtest.Pushed(t, registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	wrong := "sha256:" + strings.Repeat("0", 64)
	for name, test := range map[string]struct {
		url    string
		sha256 string // of the field; "" for none
		good   bool
	}{
		"by tag":                       {url: "oci://" + host + "/sallyport:v1", good: true},
		"by digest":                    {url: "oci://" + host + "/sallyport@" + digest.String(), good: true},
		"by tag and digest":            {url: "oci://" + host + "/sallyport:v1", sha256: digest.Encoded(), good: true},
		"a digest that is not there":   {url: "oci://" + host + "/sallyport@" + wrong},
		"a tag with another digest":    {url: "oci://" + host + "/sallyport:v1", sha256: strings.TrimPrefix(wrong, "sha256:")},
		"an image that is not there":   {url: "oci://" + host + "/other:v1"},
		"a registry that is not there": {url: "oci://127.0.0.1:1/sallyport:v1"},
	} {
		t.Run(name, func(t *testing.T) {
			w, all := meshtest.New(t), oneGateway(t)
			if test.sha256 != "" {
				if err := meshtest.Change(all, "WasmPlugin", "sallyport", test.sha256, "spec", "sha256"); err != nil {
					t.Fatal(err)
				}
			}
			e := startEdge(t, w, all, test.url, host+",127.0.0.1:1")
			good := w.Good(t)
			if test.good {
				e.client.Want(t, "no key", "401 api_key.missing", meshtest.Order)
				e.client.Want(t, "a good request", "200", meshtest.Order, good...)
				return
			}
			e.client.Want(t, "a good request", "403", meshtest.Order, good...)
			if n := w.Requests(); n != 0 {
				t.Errorf("the backend saw %d requests", n)
			}
		})
	}
}
