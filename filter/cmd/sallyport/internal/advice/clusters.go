package advice

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
	"github.com/sallyport-gateway/sallyport/filter/internal/config"
)

// Clusters are what a proxy configuration says about the proxy's clusters.
type Clusters struct {
	// Names are those that it has.
	Names []string
	// More is for a proxy that may have others, as a mesh also makes clusters from objects that are elsewhere.
	More bool
}

// ClustersOf gives the clusters of an Envoy bootstrap, or of manifests for Istio or Envoy Gateway; nil if others can
// come from somewhere that is not visible here, such as a control plane.
func ClustersOf(documents []*yaml.Node) *Clusters {
	if len(documents) == 1 && document.Member(documents[0], "apiVersion") == nil {
		return bootstrapClusters(documents[0])
	}
	c := &Clusters{More: true}
	for _, d := range documents {
		c.Names = append(c.Names, manifestClusters(d)...)
	}
	return c
}

// bootstrapClusters are the static clusters of an Envoy bootstrap.
func bootstrapClusters(bootstrap *yaml.Node) *Clusters {
	resources := document.Member(bootstrap, "dynamic_resources")
	if document.Member(resources, "cds_config") != nil || document.Member(resources, "ads_config") != nil {
		return nil
	}
	c := &Clusters{}
	for _, cluster := range document.Items(document.Member(document.Member(bootstrap, "static_resources"), "clusters")) {
		c.Names = append(c.Names, document.Text(cluster, "name"))
	}
	return c
}

// manifestClusters are the clusters that a mesh makes from a Kubernetes object.
func manifestClusters(object *yaml.Node) (names []string) {
	spec, metadata := document.Member(object, "spec"), document.Member(object, "metadata")
	name, namespace := document.Text(metadata, "name"), document.Text(metadata, "namespace")
	if namespace == "" {
		namespace = "default"
	}
	switch kind := document.Text(object, "kind"); kind {
	case "ServiceEntry", "Service":
		hosts := []string{name + "." + namespace + ".svc.cluster.local"}
		number := "port"
		if kind == "ServiceEntry" {
			hosts, number = nil, "number"
			for _, h := range document.Items(document.Member(spec, "hosts")) {
				hosts = append(hosts, h.Value)
			}
		}
		for _, host := range hosts {
			for _, port := range document.Items(document.Member(spec, "ports")) {
				names = append(names, fmt.Sprintf("outbound|%s||%s", document.Text(port, number), host))
			}
		}
	case "HTTPRoute", "GRPCRoute":
		for i := range document.Items(document.Member(spec, "rules")) {
			names = append(names, fmt.Sprintf("%s/%s/%s/rule/%d", strings.ToLower(kind), namespace, name, i))
		}
	}
	return names
}

// callees finds clusters that steps name but the proxy does not have.
func (a *adviser) callees(root *yaml.Node) {
	var decoded any
	if a.clusters == nil || root.Decode(&decoded) != nil {
		return // the loader has reported it
	}
	for _, c := range config.Callees(decoded) {
		if c.Off || slices.Contains(a.clusters.Names, c.Cluster) {
			continue
		}
		known := "it has none"
		if len(a.clusters.Names) > 0 {
			known = "it has " + strings.Join(a.clusters.Names, ", ")
		}
		if a.clusters.More {
			a.say(c.Path, "%q is not a cluster of the given manifests: %s. Until something else makes it, calls fail", c.Cluster, known)
			continue
		}
		a.fail(c.Path, "%q is not a cluster of the given proxy configuration; %s", c.Cluster, known)
	}
}
