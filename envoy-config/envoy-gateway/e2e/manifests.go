// Package e2e holds the manifests for Envoy Gateway against Envoy Gateway itself: its CRDs, and the program, standalone, with a
// stock Envoy.
package e2e

import (
	"fmt"
	"os"
	"strings"

	"sigs.k8s.io/yaml"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
)

// files are all that is shipped.
var files = []string{"../gateway.yaml", "../routes.yaml", "../backends.yaml", "../plugin.yaml"}

// manifest is one object of Kubernetes.
type manifest struct {
	kind, name string
	root       map[string]any
}

// shipped reads all files as they stand.
func shipped() (all []manifest, err error) {
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		read, err := parse(source)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		all = append(all, read...)
	}
	return all, nil
}

// parse reads a file of manifests.
func parse(text []byte) (all []manifest, err error) {
	for _, part := range strings.Split(string(text), "\n---\n") {
		var root map[string]any
		if err := yaml.UnmarshalStrict([]byte(part), &root); err != nil {
			return nil, err
		}
		metadata, _ := root["metadata"].(map[string]any)
		kind, _ := root["kind"].(string)
		name, _ := metadata["name"].(string)
		all = append(all, manifest{kind, name, root})
	}
	return all, nil
}

// add gives an object of one manifest a member, which may be new. The object must be there.
func add(all []manifest, kind, name string, value any, member string, at ...any) error {
	for _, m := range all {
		if m.kind != kind || m.name != name {
			continue
		}
		doc := envoyconfig.Wrap(kind+" "+name, m.root)
		parent, ok := doc.Get(at).(map[string]any)
		if !ok {
			return fmt.Errorf("%s %s has no object at %s: %w", kind, name, envoyconfig.Path(at), doc.Err())
		}
		parent[member] = value
		return nil
	}
	return fmt.Errorf("there is no %s %s", kind, name)
}

// text is all of them as one file.
func text(all []manifest) (string, error) {
	var parts []string
	for _, m := range all {
		part, err := yaml.Marshal(m.root)
		if err != nil {
			return "", fmt.Errorf("write %s %s: %w", m.kind, m.name, err)
		}
		parts = append(parts, string(part))
	}
	return strings.Join(parts, "---\n"), nil
}
