package envoydriver

import (
	"cmp"
	"fmt"
	"net"
	"strconv"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// Listener is what a scenario's listener must have of its own.
type Listener struct {
	// Name is that of the listener, its statistics, the plugin and the VM, so that nothing is shared.
	Name    string
	Backend string // cluster of the one route
	Module  string // path
	RootID  string
	Config  []byte
	Env     map[string]string
	// Settings and Properties are those of the file.
	Settings   scenario.Settings
	Properties []scenario.Property
	// Before and Behind are other plugins in the chain. Each is a listener of one plugin; the rest of it does not count.
	Before, Behind []Listener
	// Network has the plugin as a network filter before tcp_proxy, not as an HTTP filter.
	Network bool
	// TrustsClient is use_remote_address off: a client's x-forwarded-for counts.
	TrustsClient bool
	// Route and VirtualHost are names that properties tell; empty for none.
	Route, VirtualHost string
}

// Cluster is a cluster of a scenario.
type Cluster struct {
	Name    string
	Address string // host:port; empty for a cluster without endpoints
	Backend bool   // it is the one that the listener routes to
	HTTP2   bool   // its server speaks nothing else, for gRPC
	// Properties are those of the file; they are about the backend.
	Properties []scenario.Property
}

// protocolOptions is both the key and the type of a cluster's HTTP options.
const protocolOptions = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"

type object = map[string]any

func typed(name string, members object) object {
	members["@type"] = "type.googleapis.com/" + name
	return members
}

func socket(host string, port int) object {
	return object{"socket_address": object{"address": host, "port_value": port}}
}

// resource is the caller's, or the plain one.
func (l Listener) resource(o Options) (any, error) {
	if o.Listener != nil {
		return o.Listener(l)
	}
	return l.Plain(), nil
}

// network has tcp_proxy behind the plugin.
func (l Listener) network() any {
	return typed("envoy.config.listener.v3.Listener", object{
		"name": l.Name, "address": socket("127.0.0.1", 0),
		"filter_chains": []any{object{"filters": []any{
			object{"name": l.Name, "typed_config": typed("envoy.extensions.filters.network.wasm.v3.Wasm", object{"config": l.plugin()})},
			object{"name": "envoy.filters.network.tcp_proxy", "typed_config": typed("envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
				object{"stat_prefix": l.Name, "cluster": l.Backend})},
		}}},
	})
}

func (c Cluster) resource(o Options) (any, error) {
	if o.Cluster != nil {
		return o.Cluster(c)
	}
	return c.Plain()
}

// Plain is a listener on a free port of this machine alone, with Envoy's defaults but for
// trailers and use_remote_address, which the driver for hostsim has too.
func (l Listener) Plain() any {
	if l.Network {
		return l.network()
	}
	manager := object{
		"stat_prefix": l.Name, "use_remote_address": !l.TrustsClient, "http_protocol_options": object{"enable_trailers": true},
		"http_filters": append(append(l.dynamic(), l.plugins()...),
			object{"name": "envoy.filters.http.router", "typed_config": typed("envoy.extensions.filters.http.router.v3.Router", object{"suppress_envoy_headers": l.Settings.SuppressHeaders})},
		),
		"route_config": object{"virtual_hosts": []any{object{
			"name": cmp.Or(l.propertyText(virtualHostName), l.VirtualHost, "all"), "domains": []any{"*"},
			"routes": []any{l.route()},
		}}},
	}
	l.manage(manager)
	listener := typed("envoy.config.listener.v3.Listener", object{
		"name": l.Name, "address": socket("127.0.0.1", 0),
		"filter_chains": []any{object{"filters": []any{object{
			"name":         "envoy.filters.network.http_connection_manager",
			"typed_config": typed("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", manager),
		}}}},
	})
	given(l.Properties, listenerMetadata).put(listener)
	if l.Settings.BufferLimit > 0 {
		listener["per_connection_buffer_limit_bytes"] = l.Settings.BufferLimit
	}
	return listener
}

// Plain is a cluster of fixed address, over HTTP/1.1 or HTTP/2.
func (c Cluster) Plain() (any, error) {
	endpoints := []any{}
	if c.Address != "" {
		host, port, err := net.SplitHostPort(c.Address)
		if err != nil {
			return nil, fmt.Errorf("cluster %s: %w", c.Name, err)
		}
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("cluster %s: %w", c.Name, err)
		}
		endpoints = append(endpoints, object{"lb_endpoints": []any{object{"endpoint": object{"address": socket(host, int(number))}}}})
	}
	protocol := object{"http_protocol_options": object{"enable_trailers": true}}
	if c.HTTP2 {
		protocol = object{"http2_protocol_options": object{}}
	}
	cluster := typed("envoy.config.cluster.v3.Cluster", object{
		"name": c.Name, "type": "STATIC", "connect_timeout": "1s",
		"load_assignment": object{"cluster_name": c.Name, "endpoints": endpoints},
		"typed_extension_protocol_options": object{protocolOptions: typed(protocolOptions, object{
			"explicit_http_config": protocol,
		})},
	})
	if c.Backend {
		given(c.Properties, clusterMetadata).put(cluster)
	}
	return cluster, nil
}
