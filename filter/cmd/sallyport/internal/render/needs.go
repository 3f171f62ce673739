// Package render makes the complete manifest of a gateway from its configuration and the shipped manifests.
package render

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
	"github.com/sallyport-gateway/sallyport/filter/internal/config"
)

// Callee is who the filter calls by itself: a cluster of the proxy, and the host it stands for.
type Callee struct {
	Cluster   string
	Authority string // host, or host:port
}

// address has the port of HTTPS, or of HTTP, when the authority has none. The host of an IPv6 address is without brackets.
func (c Callee) address(tls TLS) (host, port string) {
	if host, port, err := net.SplitHostPort(c.Authority); err == nil {
		return host, port
	}
	if tls == Plain {
		return strings.Trim(c.Authority, "[]"), "80"
	}
	return strings.Trim(c.Authority, "[]"), "443"
}

// needs is what a configuration needs from the proxy around the filter.
type needs struct {
	callees   []Callee // by cluster, each once
	engines   []string // clusters of the engines that count quotas, sorted, each once
	variables []string // of the VM's environment, sorted
}

// Engines are the clusters of the engines that count quotas, sorted, each once.
func Engines(c []byte) ([]string, error) {
	n, err := readNeeds(c)
	return n.engines, err
}

// readNeeds reads a configuration that the filter accepts.
func readNeeds(c []byte) (n needs, err error) {
	var decoded any
	if err := json.Unmarshal(c, &decoded); err != nil {
		return n, fmt.Errorf("read the configuration: %w", err)
	}
	callees, engines, variables := map[string]string{}, map[string]bool{}, map[string]bool{}
	document.Objects(decoded, func(object map[string]any) {
		if name, ok := object["env"].(string); ok {
			variables[name] = true
		}
	})
	for _, c := range config.Callees(decoded) {
		if c.GRPC {
			engines[c.Cluster] = true
			continue
		}
		if before, ok := callees[c.Cluster]; ok && before != c.Authority {
			return n, fmt.Errorf("read the configuration: the cluster %q is for %s and for %s: give each server a cluster of its own", c.Cluster, before, c.Authority)
		}
		callees[c.Cluster] = c.Authority
	}
	for _, cluster := range slices.Sorted(maps.Keys(callees)) {
		n.callees = append(n.callees, Callee{cluster, callees[cluster]})
	}
	n.engines = slices.Sorted(maps.Keys(engines))
	for _, cluster := range n.engines {
		if _, both := callees[cluster]; both {
			return n, fmt.Errorf("read the configuration: the cluster %q is the authorization server's and the quota engine's: give each a cluster of its own", cluster)
		}
	}
	n.variables = slices.Sorted(maps.Keys(variables))
	return n, nil
}

// servers are the callees, each host and port once: a mesh has one cluster for each, whatever the configuration calls it.
func (n needs) servers(tls TLS) []Callee {
	var once []Callee
	for _, c := range n.callees {
		if !slices.ContainsFunc(once, func(other Callee) bool { return slug(other, tls) == slug(c, tls) }) {
			once = append(once, c)
		}
	}
	return once
}
