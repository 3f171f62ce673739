package envoydriver

import (
	"maps"
	"slices"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// metadata is what a resource of Envoy has of it, by namespace and key.
type metadata map[string]map[string]string

// given is the metadata that properties name below prefix, such as "xds.route_metadata". The last part of a path is the
// key: namespaces have dots.
func given(properties []scenario.Property, prefix string) metadata {
	out := metadata{}
	for _, p := range properties {
		rest, ok := strings.CutPrefix(p.Path, prefix+".filter_metadata.")
		at := strings.LastIndexByte(rest, '.')
		if !ok || at < 1 || at+1 == len(rest) {
			continue
		}
		if out[rest[:at]] == nil {
			out[rest[:at]] = map[string]string{}
		}
		out[rest[:at]][rest[at+1:]] = p.Text
	}
	return out
}

// put gives a resource its metadata.
func (m metadata) put(resource object) {
	if len(m) > 0 {
		resource["metadata"] = object{"filter_metadata": m}
	}
}

// Where metadata can stand that guests can ask for. Dynamic metadata belongs to a stream: a filter before the guest sets it.
const (
	routeMetadata    = "xds.route_metadata"
	listenerMetadata = "xds.listener_metadata"
	clusterMetadata  = "xds.cluster_metadata"
	dynamicMetadata  = "metadata"

	routeName       = "xds.route_name"
	virtualHostName = "xds.virtual_host_name"
)

func unsayableProperty(properties []scenario.Property, path string) string {
	at := slices.IndexFunc(properties, func(p scenario.Property) bool { return p.Path == path })
	if at < 0 || properties[at].Kind != "" {
		return "a real Envoy can only be given text"
	}
	one := properties[at : at+1]
	for _, prefix := range []string{routeMetadata, listenerMetadata, clusterMetadata, dynamicMetadata} {
		if len(given(one, prefix)) > 0 {
			return ""
		}
	}
	if path == routeName || path == virtualHostName {
		return ""
	}
	return "a real Envoy answers it itself; it can be given xds.route_name, xds.virtual_host_name, and filter_metadata below metadata, xds.route_metadata, xds.listener_metadata and xds.cluster_metadata"
}

// propertyText is the value of one path, or empty.
func (l Listener) propertyText(path string) string {
	for _, p := range l.Properties {
		if p.Path == path {
			return p.Text
		}
	}
	return ""
}

// dynamic is a filter that sets dynamic metadata; nil when no property wants any.
func (l Listener) dynamic() []any {
	set := given(l.Properties, dynamicMetadata)
	if len(set) == 0 {
		return nil
	}
	var entries []any
	for _, namespace := range slices.Sorted(maps.Keys(set)) {
		entries = append(entries, object{"metadata_namespace": namespace, "value": set[namespace]})
	}
	const name = "envoy.filters.http.set_metadata"
	return []any{object{"name": name, "typed_config": typed("envoy.extensions.filters.http.set_metadata.v3.Config", object{"metadata": entries})}}
}
