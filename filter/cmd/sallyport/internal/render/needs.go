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

// needs is what a configuration wants of the proxy around the filter.
type needs struct {
	callees   []Callee // by cluster, each once
	variables []string // of the VM's environment, sorted
}

// Engines are the clusters of the engines that count quotas, sorted, each once.
func Engines(config []byte) ([]string, error) {
	var decoded any
	if err := json.Unmarshal(config, &decoded); err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	clusters := map[string]bool{}
	document.Objects(decoded, func(object map[string]any) {
		quota, _ := object["quota"].(map[string]any)
		engine, _ := quota["engine"].(map[string]any)
		if cluster, ok := engine["cluster"].(string); ok {
			clusters[cluster] = true
		}
	})
	return slices.Sorted(maps.Keys(clusters)), nil
}

// readNeeds reads a configuration that the filter takes.
func readNeeds(config []byte) (n needs, err error) {
	var decoded any
	if err := json.Unmarshal(config, &decoded); err != nil {
		return n, fmt.Errorf("read the configuration: %w", err)
	}
	callees, variables := map[string]string{}, map[string]bool{}
	conflict := ""
	document.Objects(decoded, func(object map[string]any) {
		if name, ok := object["env"].(string); ok {
			variables[name] = true
		}
		for _, callee := range calleesOf(tokenStep(object)) {
			if before, ok := callees[callee.Cluster]; ok && before != callee.Authority {
				conflict = fmt.Sprintf("the cluster %q is for %s and for %s: give each server a cluster of its own", callee.Cluster, before, callee.Authority)
			}
			callees[callee.Cluster] = callee.Authority
		}
	})
	if conflict != "" {
		return n, fmt.Errorf("read the configuration: %s", conflict)
	}
	for _, cluster := range slices.Sorted(maps.Keys(callees)) {
		n.callees = append(n.callees, Callee{cluster, callees[cluster]})
	}
	n.variables = slices.Sorted(maps.Keys(variables))
	return n, nil
}

// tokenStep is the step that asks for tokens or keys, as an introspect_token; nil for another one. verify_jwt has what a
// precheck has.
func tokenStep(object map[string]any) map[string]any {
	if step, ok := object["introspect_token"].(map[string]any); ok {
		return step
	}
	if step, ok := object["verify_jwt"].(map[string]any); ok {
		return map[string]any{"precheck": map[string]any{"mode": "jwt_only", "jwks": step["jwks"]}}
	}
	return nil
}

// calleesOf are the servers of one introspect_token: the one that is asked, and the one that has the keys.
func calleesOf(step map[string]any) (callees []Callee) {
	text := func(object map[string]any, name string) string {
		s, _ := object[name].(string)
		return s
	}
	if step == nil {
		return nil
	}
	own := Callee{text(step, "cluster"), text(step, "authority")}
	precheck, _ := step["precheck"].(map[string]any)
	mode := text(precheck, "mode")
	if mode != "jwt_only" {
		callees = append(callees, own)
	}
	if jwks, ok := precheck["jwks"].(map[string]any); ok && mode != "introspect" {
		keys := own
		if cluster := text(jwks, "cluster"); cluster != "" {
			keys.Cluster = cluster
		}
		if authority := text(jwks, "authority"); authority != "" {
			keys.Authority = authority
		}
		callees = append(callees, keys)
	}
	return callees
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
