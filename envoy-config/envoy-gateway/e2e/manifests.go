// Package e2e checks the manifests for Envoy Gateway against Envoy Gateway itself: its CRDs, and the program,
// standalone, with a stock Envoy.
package e2e

import (
	"os"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
)

// files are all files that are shipped.
var files = []string{"../gateway.yaml", "../routes.yaml", "../backends.yaml", "../plugin.yaml"}

// shipped reads all files unchanged.
func shipped() (all []envoyconfig.Manifest, err error) {
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		read, err := envoyconfig.Manifests(file, source)
		if err != nil {
			return nil, err
		}
		all = append(all, read...)
	}
	return all, nil
}
