package e2e

import (
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/sallyport-gateway/sallyport/envoy-config/oci"
	"github.com/sallyport-gateway/sallyport/envoy-config/testsite"
)

// pushed puts the filter, as `make oci` packs it, into a registry on loopback, and answers the registry and the image's digest.
func pushed(t *testing.T) (host, digest string) {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(quiet)))
	t.Cleanup(server.Close)
	host = strings.TrimPrefix(server.URL, "http://")
	repository, err := remote.NewRepository(host + "/sallyport")
	if err != nil {
		t.Fatal(err)
	}
	repository.PlainHTTP = true
	module, err := os.ReadFile(filter(t))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := oci.Push(t.Context(), repository, module, "v1")
	if err != nil {
		t.Fatal(err)
	}
	return host, manifest.Digest.String()
}

// TestIstioOCI: the agent fetches the module from a registry; one that is not what was pinned lets nothing through.
func TestIstioOCI(t *testing.T) {
	host, digest := pushed(t)
	wrong := "sha256:" + strings.Repeat("0", 64)
	for name, test := range map[string]struct {
		url    string
		sha256 string // of the field; "" for none
		good   bool
	}{
		"by tag":                       {url: "oci://" + host + "/sallyport:v1", good: true},
		"by digest":                    {url: "oci://" + host + "/sallyport@" + digest, good: true},
		"by tag and digest":            {url: "oci://" + host + "/sallyport:v1", sha256: strings.TrimPrefix(digest, "sha256:"), good: true},
		"a digest that is not there":   {url: "oci://" + host + "/sallyport@" + wrong},
		"a tag with another digest":    {url: "oci://" + host + "/sallyport:v1", sha256: strings.TrimPrefix(wrong, "sha256:")},
		"an image that is not there":   {url: "oci://" + host + "/other:v1"},
		"a registry that is not there": {url: "oci://127.0.0.1:1/sallyport:v1"},
	} {
		t.Run(name, func(t *testing.T) {
			w, all := testsite.New(t), oneGateway(t)
			if test.sha256 != "" {
				if err := add(all, "WasmPlugin", "sallyport", test.sha256, "sha256", "spec"); err != nil {
					t.Fatal(err)
				}
			}
			e := startEdge(t, w, all, test.url, host+",127.0.0.1:1")
			good := []string{"x-api-key", w.Key, "authorization", "Bearer " + w.Token(t, "customers.read")}
			if test.good {
				e.client.Want(t, "no key", "401 api_key.missing", testsite.Order)
				e.client.Want(t, "a good request", "200", testsite.Order, good...)
				return
			}
			e.client.Want(t, "a good request", "403", testsite.Order, good...)
			if n := w.Requests(); n != 0 {
				t.Errorf("the backend saw %d requests", n)
			}
		})
	}
}
