package envoyconfig

import (
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
)

// Manifest is one object of Kubernetes.
type Manifest struct {
	Kind, Name string
	*Document
}

// NewManifest makes one of what is already decoded.
func NewManifest(root map[string]any) Manifest {
	metadata, _ := root["metadata"].(map[string]any)
	kind, _ := root["kind"].(string)
	name, _ := metadata["name"].(string)
	return Manifest{kind, name, &Document{file: kind + " " + name, root: root}}
}

// Manifests reads a file of them; file is its name in errors.
func Manifests(file string, text []byte) ([]Manifest, error) {
	var all []Manifest
	for part := range strings.SplitSeq(string(text), "\n---\n") {
		var root map[string]any
		if err := yaml.UnmarshalStrict([]byte(part), &root); err != nil {
			return nil, fmt.Errorf("parse %s: %w", file, err)
		}
		all = append(all, NewManifest(root))
	}
	return all, nil
}

// Is reports whether it is the one of that kind and name.
func (m Manifest) Is(kind, name string) bool { return m.Kind == kind && m.Name == name }

// ManifestsYAML is all of them as one file.
func ManifestsYAML(all []Manifest) ([]byte, error) {
	var parts []string
	for _, m := range all {
		text, err := m.YAML()
		if err != nil {
			return nil, fmt.Errorf("write %s %s: %w", m.Kind, m.Name, err)
		}
		parts = append(parts, string(text))
	}
	return []byte(strings.Join(parts, "---\n")), nil
}
