package fidelity

import (
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
)

// Names that properties tell, the same on both hosts.
const (
	nodeID      = "fidelity"
	routeName   = "route"
	hostName    = "host"
	backendName = "backend"
)

// refusing is an address where nobody listens.
const refusing = "127.0.0.1:1"

type object = map[string]any

func typed(name string, members object) object {
	members["@type"] = "type.googleapis.com/" + name
	return members
}

func duration(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s" }

func socket(host string, port int) object {
	return object{"socket_address": object{"address": host, "port_value": port}}
}

// cluster is the Envoy resource for a server at address; without one it has no endpoint.
func cluster(name, address string) (object, error) {
	endpoints := []any{}
	if address != "" {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, fmt.Errorf("cluster %s: %w", name, err)
		}
		number, err := strconv.Atoi(port)
		if err != nil {
			return nil, fmt.Errorf("cluster %s: %w", name, err)
		}
		endpoints = append(endpoints, object{"lb_endpoints": []any{object{"endpoint": object{"address": socket(host, number)}}}})
	}
	return typed("envoy.config.cluster.v3.Cluster", object{
		"name": name, "type": "STATIC", "connect_timeout": "2s",
		"load_assignment": object{"cluster_name": name, "endpoints": endpoints},
		"typed_extension_protocol_options": object{"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed("envoy.extensions.upstreams.http.v3.HttpProtocolOptions", object{
			"explicit_http_config": object{"http_protocol_options": object{"enable_trailers": true}},
		})},
	}), nil
}

// listener is the Envoy resource for a plugin of a case.
func listener(c *Case, p Plugin, module string) object {
	s, name := c.Settings, c.listener(p.Name)
	route := object{"cluster": backendName}
	if s.RouteTimeout != 0 {
		route["timeout"] = duration(max(s.RouteTimeout, 0))
	}
	routed := object{"name": routeName, "match": object{"prefix": "/"}, "route": route}
	if d := s.DirectResponse; d != nil {
		delete(routed, "route")
		routed["direct_response"] = object{"status": d.Status, "body": object{"inline_string": string(d.Body)}}
	}
	manager := object{
		"stat_prefix":           name,
		"http_protocol_options": object{"enable_trailers": true},
		"use_remote_address":    s.UseRemoteAddress,
		"xff_num_trusted_hops":  s.Hops,
		"generate_request_id":   !s.NoRequestID,
		"route_config":          object{"name": "routes", "virtual_hosts": []any{object{"name": hostName, "domains": []any{"*"}, "routes": []any{routed}}}},
		"http_filters": []any{
			object{"name": name, "typed_config": typed("envoy.extensions.filters.http.wasm.v3.Wasm", object{"config": plugin(c, p, module)})},
			object{"name": "envoy.filters.http.router", "typed_config": typed("envoy.extensions.filters.http.router.v3.Router", object{"suppress_envoy_headers": s.SuppressHeaders})},
		},
	}
	if s.Network {
		return networkListener(c, p, module)
	}
	if s.Idle != 0 {
		manager["stream_idle_timeout"] = duration(max(s.Idle, 0))
	}
	if s.RequestTimeout != 0 {
		manager["request_timeout"] = duration(s.RequestTimeout)
	}
	l := typed("envoy.config.listener.v3.Listener", object{
		"name": name, "address": socket("127.0.0.1", 0),
		"filter_chains": []any{object{"filters": []any{object{"name": "envoy.filters.network.http_connection_manager",
			"typed_config": typed("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", manager)}}}},
	})
	if s.BufferLimit > 0 {
		l["per_connection_buffer_limit_bytes"] = s.BufferLimit
	}
	return l
}

// networkListener has the plugin as a network filter, and tcp_proxy behind it.
func networkListener(c *Case, p Plugin, module string) object {
	name := c.listener(p.Name)
	return typed("envoy.config.listener.v3.Listener", object{
		"name": name, "address": socket("127.0.0.1", 0),
		"filter_chains": []any{object{"filters": []any{
			object{"name": name, "typed_config": typed("envoy.extensions.filters.network.wasm.v3.Wasm", object{"config": plugin(c, p, module)})},
			object{"name": "envoy.filters.network.tcp_proxy", "typed_config": typed("envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
				object{"stat_prefix": name, "cluster": backendName})},
		}}},
	})
}

var policyNames = map[hostsim.FailurePolicy]string{hostsim.FailOpen: "FAIL_OPEN", hostsim.FailReload: "FAIL_RELOAD"}

// plugin is Envoy's PluginConfig.
func plugin(c *Case, p Plugin, module string) object {
	s := c.Settings
	text := func(b string) object { return typed("google.protobuf.StringValue", object{"value": b}) }
	vm := object{"runtime": "envoy.wasm.runtime.v8", "vm_id": p.VMID, "code": object{"local": object{"filename": module}}}
	if p.VMConfig != "" {
		vm["configuration"] = text(p.VMConfig)
	}
	if len(s.Env) > 0 {
		vm["environment_variables"] = object{"key_values": s.Env}
	}
	config := object{"name": c.listener(p.Name), "root_id": c.Name, "vm_config": vm}
	if len(p.Config) > 0 {
		config["configuration"] = text(string(p.Config))
	}
	if policy, ok := policyNames[s.Policy]; ok {
		config["failure_policy"] = policy
	}
	if s.Policy == hostsim.FailOpenAlways {
		config["fail_open"] = true
	}
	if s.Backoff > 0 {
		config["reload_config"] = object{"backoff": object{"base_interval": duration(s.Backoff)}}
	}
	if s.StopIteration {
		config["allow_on_headers_stop_iteration"] = true
	}
	return config
}
