// Package e2e holds the manifests for Istio against Istio's own code: its validators, its control plane in this process, its
// agent, and a stock Envoy.
package e2e

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
)

// manifest is one object of Kubernetes.
type manifest struct {
	kind, name string
	root       map[string]any
}

// build renders a folder as `kubectl kustomize` does.
func build(dir string) ([]manifest, error) {
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", dir, err)
	}
	var all []manifest
	for _, r := range resources.Resources() {
		root, err := r.Map()
		if err != nil {
			return nil, fmt.Errorf("build %s: %w", dir, err)
		}
		all = append(all, manifest{r.GetKind(), r.GetName(), root})
	}
	return all, nil
}

// parse reads a file of manifests as it stands.
func parse(text []byte) ([]manifest, error) {
	var all []manifest
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

// set changes one place of one manifest. A place that is not there is an error: nothing is overlaid that is not shipped.
func set(all []manifest, kind, name string, value any, at ...any) error {
	for _, m := range all {
		if m.kind == kind && m.name == name {
			doc := envoyconfig.Wrap(kind+" "+name, m.root)
			doc.Set(value, at)
			return doc.Err()
		}
	}
	return fmt.Errorf("there is no %s %s", kind, name)
}

// add gives a place of one manifest a member, which may be new.
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
	return strings.Join(parts, "\n---\n"), nil
}
