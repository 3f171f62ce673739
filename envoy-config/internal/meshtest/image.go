package meshtest

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/sallyport-gateway/sallyport/envoy-config/oci"
)

// Module is the path of the filter that `make wasm` made.
func Module(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(Root, "build", "sallyport.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: run `make wasm`", err)
	}
	return path
}

// Pushed puts the filter, as `make oci` packs it, into a registry on loopback, as sallyport:v1. It returns the
// registry's host:port and the image's digest.
func Pushed(t *testing.T, registry http.Handler) (host string, image digest.Digest) {
	t.Helper()
	server := httptest.NewServer(registry)
	t.Cleanup(server.Close)
	host = strings.TrimPrefix(server.URL, "http://")
	repository, err := remote.NewRepository(host + "/sallyport")
	if err != nil {
		t.Fatal(err)
	}
	repository.PlainHTTP = true
	module, err := os.ReadFile(Module(t))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := oci.Push(t.Context(), repository, module, "v1")
	if err != nil {
		t.Fatal(err)
	}
	return host, manifest.Digest
}
