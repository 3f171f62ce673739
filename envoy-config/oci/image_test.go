package oci

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/memory"
	"oras.land/oras-go/v2/registry/remote"
)

var module = []byte("\x00asm\x01\x00\x00\x00and more")

// TestImageLayout: one layer, a gzipped tar, with plugin.wasm in it.
func TestImageLayout(t *testing.T) {
	store := memory.New()
	pushed, err := Push(t.Context(), store, module, "v1")
	if err != nil {
		t.Fatal(err)
	}
	if tagged, err := store.Resolve(t.Context(), "v1"); err != nil || tagged.Digest != pushed.Digest {
		t.Errorf("v1 is %v, %v, want %v", tagged.Digest, err, pushed.Digest)
	}
	var manifest v1.Manifest
	decode(t, fetch(t, store, pushed), &manifest)
	if manifest.SchemaVersion != 2 || manifest.MediaType != v1.MediaTypeImageManifest || len(manifest.Layers) != 1 ||
		manifest.Layers[0].MediaType != v1.MediaTypeImageLayerGzip || manifest.Config.MediaType != v1.MediaTypeImageConfig {
		t.Fatalf("manifest %+v", manifest)
	}
	z, err := gzip.NewReader(bytes.NewReader(fetch(t, store, manifest.Layers[0])))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	var config v1.Image
	decode(t, fetch(t, store, manifest.Config), &config)
	if len(config.RootFS.DiffIDs) != 1 || config.RootFS.DiffIDs[0] != digest.FromBytes(plain) {
		t.Errorf("diff ids %v, want that of the tar", config.RootFS.DiffIDs)
	}
	files := tar.NewReader(bytes.NewReader(plain))
	head, err := files.Next()
	if err != nil || head.Name != "plugin.wasm" {
		t.Fatalf("the layer begins with %+v, %v", head, err)
	}
	if got, err := io.ReadAll(files); err != nil || !bytes.Equal(got, module) {
		t.Errorf("plugin.wasm is %q, %v", got, err)
	}
	if _, err := files.Next(); err != io.EOF {
		t.Errorf("there is more in the layer: %v", err)
	}
}

// TestImageIsReproducible: the digest is of the module alone.
func TestImageIsReproducible(t *testing.T) {
	digests := map[digest.Digest]bool{}
	for range 2 {
		pushed, err := Push(t.Context(), memory.New(), module, "latest")
		if err != nil {
			t.Fatal(err)
		}
		digests[pushed.Digest] = true
	}
	other, err := Push(t.Context(), memory.New(), append(bytes.Clone(module), 1), "latest")
	if err != nil {
		t.Fatal(err)
	}
	if len(digests) != 1 || digests[other.Digest] {
		t.Errorf("digests %v, and %v of another module", digests, other.Digest)
	}
}

// registry is as much of one as a push needs (OCI distribution specification, sections on pushing).
type registry struct {
	mu        sync.Mutex
	blobs     map[string][]byte
	manifests map[string][]byte
}

func (r *registry) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := path.Base(q.URL.Path)
	switch {
	case strings.Contains(q.URL.Path, "/blobs/uploads") && q.Method == http.MethodPost:
		w.Header().Set("Location", "/v2/sallyport/blobs/uploads/1")
		w.WriteHeader(http.StatusAccepted)
	case strings.Contains(q.URL.Path, "/blobs/uploads") && q.Method == http.MethodPut:
		body, _ := io.ReadAll(q.Body)
		if d := q.URL.Query().Get("digest"); digest.FromBytes(body).String() == d {
			r.blobs[d] = body
			w.WriteHeader(http.StatusCreated)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
	case strings.Contains(q.URL.Path, "/manifests/") && q.Method == http.MethodPut:
		body, _ := io.ReadAll(q.Body)
		r.manifests[name] = body
		w.Header().Set("Docker-Content-Digest", digest.FromBytes(body).String())
		w.WriteHeader(http.StatusCreated)
	case strings.Contains(q.URL.Path, "/manifests/") && r.manifests[name] != nil:
		w.Header().Set("Content-Type", v1.MediaTypeImageManifest)
		_, _ = w.Write(r.manifests[name])
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func TestPushToRegistry(t *testing.T) {
	r := &registry{blobs: map[string][]byte{}, manifests: map[string][]byte{}}
	server := httptest.NewServer(r)
	defer server.Close()
	repository, err := remote.NewRepository(strings.TrimPrefix(server.URL, "http://") + "/sallyport")
	if err != nil {
		t.Fatal(err)
	}
	repository.PlainHTTP = true
	pushed, err := Push(t.Context(), repository, module, "v1")
	if err != nil {
		t.Fatal(err)
	}
	if got := digest.FromBytes(r.manifests["v1"]); got != pushed.Digest {
		t.Errorf("the registry has %v as v1, want %v", got, pushed.Digest)
	}
	if len(r.blobs) != 2 {
		t.Errorf("the registry has %d blobs, want the configuration and the layer", len(r.blobs))
	}
}

func TestOrigin(t *testing.T) {
	o, err := OriginOf(t.Context(), "../..", "./filter", "make wasm")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, m := range o.Modules {
		names[m.Path] = m.Version != ""
	}
	if !names["github.com/tidwall/gjson"] || names["github.com/tetratelabs/wazero"] || !strings.HasSuffix(o.Package, "/filter") {
		t.Errorf("of %s the modules are %v", o.Package, o.Modules)
	}
	sbom, err := o.SBOM(module)
	if err != nil {
		t.Fatal(err)
	}
	provenance, err := o.Provenance(module, digest.FromString("image"))
	if err != nil {
		t.Fatal(err)
	}
	sum := digest.FromBytes(module).Encoded()
	for what, text := range map[string][]byte{"SBOM": sbom, "provenance": provenance} {
		if !json.Valid(text) || !bytes.Contains(text, []byte(sum)) || !bytes.Contains(text, []byte("pkg:golang/github.com/tidwall/gjson@")) {
			t.Errorf("%s: %s", what, text)
		}
	}
	again, err := o.SBOM(module)
	if err != nil || !bytes.Equal(sbom, again) {
		t.Errorf("the SBOM differs from time to time: %v", err)
	}
}

func fetch(t *testing.T, store content.Fetcher, d v1.Descriptor) []byte {
	t.Helper()
	text, err := content.FetchAll(t.Context(), store, d)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func decode(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}
