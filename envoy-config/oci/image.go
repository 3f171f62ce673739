// Package oci makes the filter's OCI image, in the layout that Istio and Envoy Gateway take, and what goes with it: a
// list of what is in the module (SBOM) and how it was made (provenance). The same module makes the same bytes, wherever
// and whenever.
package oci

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
)

// pluginFile is the only file of the image's only layer: the "compat" layout of
// https://github.com/solo-io/wasm/blob/master/spec/spec-compat.md, which Istio's agent reads.
const pluginFile = "plugin.wasm"

// Store is where an image is put: a folder, a registry, or memory.
type Store interface {
	content.Pusher
	content.Tagger
}

// Push puts the image of the module into the store under the tag, and returns its manifest, whose digest is what a
// deployment pins.
func Push(ctx context.Context, store Store, module []byte, tag string) (v1.Descriptor, error) {
	layer, diffID, err := layerOf(module)
	if err != nil {
		return v1.Descriptor{}, err
	}
	config, err := json.Marshal(v1.Image{
		Platform: v1.Platform{Architecture: "wasm", OS: "wasip1"},
		RootFS:   v1.RootFS{Type: "layers", DiffIDs: []digest.Digest{diffID}},
	})
	if err != nil {
		return v1.Descriptor{}, fmt.Errorf("encode the image's configuration: %w", err)
	}
	manifest := v1.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageManifest}
	if manifest.Config, err = put(ctx, store, v1.MediaTypeImageConfig, config); err != nil {
		return v1.Descriptor{}, err
	}
	layered, err := put(ctx, store, v1.MediaTypeImageLayerGzip, layer)
	if err != nil {
		return v1.Descriptor{}, err
	}
	manifest.Layers = []v1.Descriptor{layered}
	text, err := json.Marshal(manifest)
	if err != nil {
		return v1.Descriptor{}, fmt.Errorf("encode the manifest: %w", err)
	}
	pushed, err := put(ctx, store, v1.MediaTypeImageManifest, text)
	if err != nil {
		return v1.Descriptor{}, err
	}
	if err := store.Tag(ctx, pushed, tag); err != nil {
		return v1.Descriptor{}, fmt.Errorf("tag the image %s: %w", tag, err)
	}
	return pushed, nil
}

func put(ctx context.Context, store Store, mediaType string, text []byte) (v1.Descriptor, error) {
	d := content.NewDescriptorFromBytes(mediaType, text)
	if err := store.Push(ctx, d, bytes.NewReader(text)); err != nil {
		return d, fmt.Errorf("put %s: %w", mediaType, err)
	}
	return d, nil
}

// layerOf is a tar of the module, compressed, and the digest of the tar. No time, no owner: they would differ each time.
func layerOf(module []byte) (layer []byte, diffID digest.Digest, err error) {
	var plain, packed bytes.Buffer
	t := tar.NewWriter(&plain)
	err = t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: pluginFile, Size: int64(len(module)), Mode: 0o644, Format: tar.FormatUSTAR})
	if err == nil {
		_, err = t.Write(module)
	}
	if err == nil {
		err = t.Close()
	}
	z := gzip.NewWriter(&packed)
	if err == nil {
		_, err = z.Write(plain.Bytes())
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return nil, "", fmt.Errorf("pack the module: %w", err)
	}
	return packed.Bytes(), digest.FromBytes(plain.Bytes()), nil
}
