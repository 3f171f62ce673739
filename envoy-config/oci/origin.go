package oci

import (
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
)

// Origin says what a module was made of.
type Origin struct {
	Package  string // import path
	Go       string // the compiler's version
	Revision string // of the source, "" when it is not known
	Command  string // that made the module
	Modules  []Module
}

// Module is a Go module that is linked into the filter.
type Module struct{ Path, Version, Sum string }

// SBOM is a CycloneDX 1.6 document about the module, as JSON; nil for something made for many platforms.
func (o Origin) SBOM(module []byte) ([]byte, error) {
	type hash struct {
		Alg     string `json:"alg"`
		Content string `json:"content"`
	}
	type component struct {
		Type    string `json:"type"`
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
		PURL    string `json:"purl,omitempty"`
		Hashes  []hash `json:"hashes,omitempty"`
	}
	components := []component{{Type: "library", Name: "std", Version: strings.TrimPrefix(o.Go, "go"), PURL: "pkg:golang/std@" + strings.TrimPrefix(o.Go, "go")}}
	for _, m := range o.Modules {
		components = append(components, component{Type: "library", Name: m.Path, Version: m.Version, PURL: "pkg:golang/" + m.Path + "@" + m.Version})
	}
	about := component{Type: "application", Name: o.Package, Version: o.Revision}
	if module != nil {
		about.Hashes = []hash{{Alg: "SHA-256", Content: digest.FromBytes(module).Encoded()}}
	}
	return marshal("the SBOM", map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
		"metadata":   map[string]any{"component": about},
		"components": components,
	})
}

// Provenance is an in-toto statement with SLSA 1.0 provenance about the module and the image, as JSON; see Statement.
func (o Origin) Provenance(module []byte, image digest.Digest) ([]byte, error) {
	return o.Statement(map[string]string{"sallyport.wasm": digest.FromBytes(module).Encoded(), "image": image.Encoded()})
}

// Statement is an in-toto statement with SLSA 1.0 provenance about files, by their names and SHA-256 in hex, as JSON.
// It is not signed: whoever publishes the files signs it, with cosign or another tool they trust.
func (o Origin) Statement(files map[string]string) ([]byte, error) {
	type subject struct {
		Name   string            `json:"name"`
		Digest map[string]string `json:"digest"`
	}
	type dependency struct {
		URI    string            `json:"uri"`
		Digest map[string]string `json:"digest,omitempty"`
	}
	project := strings.TrimSuffix(o.Package, "/filter")
	var subjects []subject
	for _, name := range slices.Sorted(maps.Keys(files)) {
		subjects = append(subjects, subject{Name: name, Digest: map[string]string{"sha256": files[name]}})
	}
	var dependencies []dependency
	if o.Revision != "" {
		dependencies = append(dependencies, dependency{URI: "git+https://" + project, Digest: map[string]string{"gitCommit": o.Revision}})
	}
	for _, m := range o.Modules {
		dependencies = append(dependencies, dependency{URI: "pkg:golang/" + m.Path + "@" + m.Version, Digest: map[string]string{"goModuleH1": strings.TrimPrefix(m.Sum, "h1:")}})
	}
	return marshal("the provenance", map[string]any{
		"_type":         "https://in-toto.io/Statement/v1",
		"subject":       subjects,
		"predicateType": "https://slsa.dev/provenance/v1",
		"predicate": map[string]any{
			"buildDefinition": map[string]any{
				"buildType":            "https://" + project + "/make-oci/v1",
				"externalParameters":   map[string]any{"command": o.Command},
				"internalParameters":   map[string]any{"go": o.Go, "host": runtime.GOOS + "/" + runtime.GOARCH},
				"resolvedDependencies": dependencies,
			},
			"runDetails": map[string]any{"builder": map[string]any{"id": "https://" + project + "/Makefile"}},
		},
	})
}

func marshal(what string, document any) ([]byte, error) {
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", what, err)
	}
	return append(text, '\n'), nil
}
