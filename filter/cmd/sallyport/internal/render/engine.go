package render

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
)

// ParseEngines reads where the engines that count quotas are: HOST:PORT for all clusters, which must be those of the
// configuration, and CLUSTER=HOST:PORT for one of them. A cluster that is not in the result has no endpoint.
func ParseEngines(texts, clusters []string) (map[string]Endpoint, error) {
	all := map[string]Endpoint{}
	for _, text := range texts {
		cluster, address := "", text
		if i := strings.LastIndexByte(text, '='); i >= 0 {
			cluster, address = text[:i], text[i+1:]
			if cluster == "" {
				return nil, badEngine(text)
			}
		}
		host, portText, err := net.SplitHostPort(address)
		port, portErr := portNumber(portText)
		switch {
		case err != nil || portErr != nil || host == "":
			return nil, badEngine(text)
		case len(clusters) == 0:
			return nil, fmt.Errorf("--quota-engine is not needed: the configuration has no quota with an engine")
		case cluster != "" && !slices.Contains(clusters, cluster):
			return nil, fmt.Errorf("--quota-engine %s: no quota of the configuration uses the cluster %q; they use %s", text, cluster, strings.Join(clusters, ", "))
		}
		if _, twice := all[cluster]; twice {
			return nil, fmt.Errorf("--quota-engine %s: the engine already has an endpoint", text)
		}
		all[cluster] = Endpoint{host, port}
	}
	if rest, ok := all[""]; ok {
		delete(all, "")
		for _, cluster := range clusters {
			if _, own := all[cluster]; !own {
				all[cluster] = rest
			}
		}
	}
	return all, nil
}

func badEngine(text string) error {
	return fmt.Errorf("--quota-engine must be host:port, got %q; for one cluster: CLUSTER=host:port", text)
}

// WithoutEngine are the clusters of engines that a manifest for the target lacks when it is made with these endpoints.
// With Istio and Envoy Gateway, a cluster of such a name may be there already.
func WithoutEngine(target string, clusters []string, engines map[string]Endpoint) (without []string) {
	for _, cluster := range clusters {
		_, made := engines[cluster]
		theirs := target == "istio" && strings.HasPrefix(cluster, "outbound|") ||
			target == "envoy-gateway" && (strings.HasPrefix(cluster, "grpcroute/") || strings.HasPrefix(cluster, "httproute/"))
		if !made && !theirs {
			without = append(without, cluster)
		}
	}
	return without
}

// endpointsOnce are the endpoints of all engines, each once: a mesh has one cluster for each.
func endpointsOnce(engines map[string]Endpoint) (once []Endpoint) {
	for _, cluster := range slices.Sorted(maps.Keys(engines)) {
		if e := engines[cluster]; !slices.Contains(once, e) {
			once = append(once, e)
		}
	}
	return once
}

// engineClusters makes the shipped cluster of an engine once for each.
func engineClusters(engines map[string]Endpoint, backends []Backend) (clusters []any, err error) {
	text, err := envoyconfig.Shipped("quota-cluster.yaml")
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(engines)) {
		for _, b := range backends {
			if name == b.cluster() {
				return nil, fmt.Errorf("the cluster %q is the backend's: give the quota engine another one", name)
			}
		}
		var one cluster
		if err := yaml.Unmarshal(text, &one.root); err != nil {
			return nil, fmt.Errorf("read the shipped cluster: %w", err)
		}
		one.called(name)
		if err := one.endpoints([]Endpoint{engines[name]}); err != nil {
			return nil, err
		}
		if err := one.Err(); err != nil {
			return nil, err
		}
		clusters = append(clusters, one.root)
	}
	return clusters, nil
}

// istioEngineCluster is what Istio calls the cluster of an engine.
func istioEngineCluster(e Endpoint) string { return istioCluster(Callee{Authority: e.String()}, Plain) }

// istioEngine adapts the shipped rule to the engine at this endpoint, and an entry for one that is outside the mesh.
func istioEngine(e Endpoint) (all []envoyconfig.Manifest, err error) {
	rules, err := manifests("istio/overlays/quota/engine.yaml")
	if err != nil {
		return nil, err
	}
	entries, err := manifests("istio/base/okta.yaml")
	if err != nil {
		return nil, err
	}
	name, spec := engineSlug(e), envoyconfig.Path{"spec"}
	for _, o := range rules {
		o.Set(istioHost(e.Host), spec.Then("host"))
		all = append(all, o)
	}
	for _, o := range entries {
		if o.Kind != "ServiceEntry" || inMesh(e.Host) {
			continue
		}
		istioEntry(o, []Endpoint{e}, Plain)
		// gRPC makes Istio speak HTTP/2.
		o.Set("GRPC", spec.Then("ports", 0, "protocol"))
		all = append(all, o)
	}
	for _, o := range all {
		o.Set(name, envoyconfig.Path{"metadata", "name"})
	}
	return all, nil
}

// gatewayEngineCluster is what Envoy Gateway calls the cluster of an engine.
func gatewayEngineCluster(e Endpoint) string {
	return "grpcroute/default/" + engineSlug(e) + "/rule/0"
}

// gatewayEngine adapts the shipped objects for an engine to this endpoint.
func gatewayEngine(e Endpoint) ([]envoyconfig.Manifest, error) {
	all, err := manifests("envoy-gateway/quota/engine.yaml")
	if err != nil {
		return nil, err
	}
	name, spec := engineSlug(e), envoyconfig.Path{"spec"}
	for _, o := range all {
		o.Set(name, envoyconfig.Path{"metadata", "name"})
		switch o.Kind {
		case "Backend":
			o.Set(endpoints([]Endpoint{e}), spec.Then("endpoints"))
		case "GRPCRoute":
			o.Set([]any{name + ".sallyport.invalid"}, spec.Then("hostnames"))
			o.Set(name, spec.Then("rules", 0, "backendRefs", 0, "name"))
		case "SecurityPolicy":
			o.Set(name, spec.Then("targetRefs", 0, "name"))
		}
		if err := o.Err(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func engineSlug(e Endpoint) string { return "quota-" + hostSlug(e.Host) + "-" + strconv.Itoa(e.Port) }
