package site

import (
	"encoding/json"
	"fmt"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
)

const (
	introspectionCluster = "okta"
	extAuthzCluster      = "ext-authz"
	upstreamCluster      = "upstream"
	quotaCluster         = "ratelimit" // as it is shipped
)

// loopback is a free port on loopback.
var loopback = object{"socket_address": object{"address": "127.0.0.1", "port_value": 0}}

// resource is the listener as Envoy's configuration has it.
func (l listener) resource() object {
	route := object{"match": object{"prefix": "/"}, "direct_response": object{"status": 200, "body": object{"inline_string": "ok"}}}
	if l.upstream {
		route = object{"match": object{"prefix": "/"}, "route": object{"cluster": upstreamCluster}}
	}
	return object{
		"name": l.name, "address": loopback,
		"filter_chains": []object{{"filters": []object{{
			"name": "envoy.filters.network.http_connection_manager",
			"typed_config": object{
				"@type":              "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
				"stat_prefix":        l.name,
				"use_remote_address": true,
				"http_filters":       append(append([]object{}, l.filters...), router),
				"route_config":       object{"virtual_hosts": []object{{"name": "all", "domains": []string{"*"}, "routes": []object{route}, "rate_limits": l.rateLimits}}},
			},
		}}}},
	}
}

// cluster has one endpoint.
func cluster(name, address string, http2 bool) (object, error) {
	endpoint, err := envoyconfig.Address(address)
	if err != nil {
		return nil, fmt.Errorf("cluster %s: %w", name, err)
	}
	c := object{
		"name": name, "type": "STATIC", "connect_timeout": "1s",
		"circuit_breakers": object{"thresholds": []object{{"max_connections": 1024, "max_pending_requests": 4096, "max_requests": 4096}}},
		"load_assignment": object{"cluster_name": name, "endpoints": []object{
			{"lb_endpoints": []object{{"endpoint": object{"address": endpoint}}}},
		}},
	}
	if http2 {
		c["typed_extension_protocol_options"] = object{"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": object{
			"@type":                "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
			"explicit_http_config": object{"http2_protocol_options": object{}},
		}}
	}
	return c, nil
}

// bootstrap is the configuration of a whole Envoy.
func bootstrap(listeners []listener, clusters []object) ([]byte, error) {
	resources := make([]object, 0, len(listeners))
	for _, l := range listeners {
		resources = append(resources, l.resource())
	}
	text, err := json.Marshal(object{
		"node":  object{"id": "bench", "cluster": "bench"},
		"admin": object{"address": loopback},
		"static_resources": object{
			"listeners": resources,
			"clusters":  clusters,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("encode the bootstrap: %w", err)
	}
	return text, nil
}
