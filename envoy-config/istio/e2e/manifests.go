// Package e2e checks the manifests for Istio against Istio's own code: its validators, its control plane in this
// process, its agent, and a stock Envoy.
package e2e

import (
	"fmt"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
)

// build renders a folder as `kubectl kustomize` does.
func build(dir string) ([]envoyconfig.Manifest, error) {
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", dir, err)
	}
	var all []envoyconfig.Manifest
	for _, r := range resources.Resources() {
		root, err := r.Map()
		if err != nil {
			return nil, fmt.Errorf("build %s: %w", dir, err)
		}
		all = append(all, envoyconfig.NewManifest(root))
	}
	return all, nil
}
