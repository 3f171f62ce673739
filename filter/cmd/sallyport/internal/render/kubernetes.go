package render

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/filter/internal/config"
)

// Site is what a manifest for Kubernetes needs beside the configuration.
type Site struct {
	Image                   string // registry/name:tag@sha256:..., without a scheme
	Backends                []Backend
	BackendTLS, IdentityTLS TLS
	BackendName             string   // in its certificate; "" is its host
	Engines                 []string // see ParseEngines
}

// backendName is the name that a backend's certificate must be for.
func (s Site) backendName(b Backend) string { return cmp.Or(s.BackendName, b.Endpoints[0].Host) }

// parseImage splits "registry/name:tag@sha256:hex"; the tag may be missing.
func parseImage(image string) (name, digest string, err error) {
	name, digest, ok := strings.Cut(image, "@sha256:")
	if !ok || name == "" || len(digest) != 64 || strings.Contains(name, "://") {
		return "", "", fmt.Errorf("the image must be as 'make oci' prints it, without oci://, such as registry.example.com/sallyport@sha256:..., got %q", image)
	}
	return name, digest, nil
}

// manifests reads a shipped file of them.
func manifests(file string) ([]envoyconfig.Manifest, error) {
	text, err := envoyconfig.Shipped(file)
	if err != nil {
		return nil, err
	}
	return envoyconfig.Manifests(file, text)
}

// printed is all of them as one file, after its head.
func printed(head string, all []envoyconfig.Manifest) ([]byte, error) {
	text, err := envoyconfig.ManifestsYAML(all)
	if err != nil {
		return nil, err
	}
	return append([]byte(head), text...), nil
}

// renamed is the configuration with the names that the mesh gives the clusters. An engine without an endpoint keeps its
// own.
func renamed(c []byte, name func(Callee) string, engine func(Endpoint) string, engines map[string]Endpoint) (map[string]any, error) {
	var decoded map[string]any
	if err := json.Unmarshal(c, &decoded); err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	for _, c := range config.Callees(decoded) {
		if !c.GRPC {
			c.Rename(name(Callee{c.Cluster, c.Authority}))
		} else if e, ok := engines[c.Cluster]; ok {
			c.Rename(engine(e))
		}
	}
	return decoded, nil
}

// hosts are those that the APIs are served under; "*" when one of them is served under any.
func hosts(config map[string]any) []any {
	found := map[string]bool{}
	apis, _ := config["apis"].([]any)
	for _, api := range apis {
		members, _ := api.(map[string]any)
		list, _ := members["hosts"].([]any)
		if len(list) == 0 {
			return []any{"*"}
		}
		for _, host := range list {
			if s, ok := host.(string); ok {
				found[s] = true
			}
		}
	}
	var all []any
	for _, host := range slices.Sorted(maps.Keys(found)) {
		all = append(all, host)
	}
	return all
}

// slug makes a Kubernetes name from a host.
func slug(callee Callee, tls TLS) string {
	host, port := callee.address(tls)
	name := hostSlug(host)
	if port != "443" {
		name += "-" + port
	}
	return name
}

func hostSlug(host string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r == '.' || r == ':' || r == '_' {
			return '-'
		}
		return r
	}, host))
}

func portNumber(port string) (int, error) {
	n, err := strconv.Atoi(port)
	if err != nil || n < 1 || n > 65535 {
		return 0, fmt.Errorf("%q is not a port", port)
	}
	return n, nil
}
