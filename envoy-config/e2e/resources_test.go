package e2e

import (
	"fmt"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/envoydriver"
)

const (
	listenerType = "type.googleapis.com/envoy.config.listener.v3.Listener"
	clusterType  = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
)

// shippedOn are options that play on the listener and the clusters of envoy.yaml, less what would hide a filter's own
// behaviour.
func shippedOn(o envoydriver.Options) envoydriver.Options {
	o.Listener = func(l envoydriver.Listener) (any, error) { return listener(l) }
	o.Cluster = func(c envoydriver.Cluster) (any, error) {
		if c.HTTP2 {
			return quotaCluster(c.Name, c.Address)
		}
		kind := "okta"
		if c.Backend {
			kind = "backend"
		}
		return cluster(kind, c.Name, c.Address)
	}
	return o
}

// hiding are the settings of the shipped connection manager that would hide the filter's own behaviour from the
// scenarios: its own view of paths, hosts and header names. The filter must not depend on it, and the other drivers
// have no such thing; the shipped settings have tests of their own.
var hiding = []envoyconfig.Path{
	{"normalize_path"}, {"merge_slashes"}, {"path_with_escaped_slashes_action"},
	{"strip_any_host_port"}, {"strip_trailing_host_dot"},
	{"common_http_protocol_options", "headers_with_underscores_action"},
	{"access_log"},
}

// listener is the shipped listener for one scenario, without TLS.
func listener(l envoydriver.Listener) (map[string]any, error) {
	doc := envoyconfig.Parse()
	at, manager, wasm := envoyconfig.Listener(), envoyconfig.Manager(), envoyconfig.Wasm()
	doc.Set(loopback, at.Then("address"))
	doc.Delete(at.Then("filter_chains", 0, "transport_socket"))
	doc.Set(l.Name, manager.Then("stat_prefix"))
	for _, path := range hiding {
		doc.Delete(manager.Then(path...))
	}
	doc.Set(l.Backend, manager.Then("route_config", "virtual_hosts", 0, "routes", 0, "route", "cluster"))

	doc.Set(l.Name, wasm.Then("name"))
	doc.Set(l.RootID, wasm.Then("root_id"))
	doc.Set(l.Name, wasm.Then("vm_config", "vm_id"))
	doc.Set(l.Module, wasm.Then("vm_config", "code", "local", "filename"))
	doc.Set(map[string]any{"key_values": l.Env}, wasm.Then("vm_config", "environment_variables"))
	doc.Set(string(l.Config), wasm.Then("configuration", "value"))
	return resource(doc, at, listenerType, l.Name)
}

// cluster is the shipped cluster of that kind ("okta" or "backend"), in plaintext and with a fixed address, host:port;
// with none it has no endpoint.
func cluster(kind, name, hostPort string) (map[string]any, error) {
	doc := envoyconfig.Parse()
	at := envoyconfig.Cluster(kind)
	endpoints := []any{}
	if hostPort != "" {
		address, err := envoyconfig.Address(hostPort)
		if err != nil {
			return nil, fmt.Errorf("cluster %s: %w", name, err)
		}
		endpoints = append(endpoints, map[string]any{"lb_endpoints": []any{
			map[string]any{"endpoint": map[string]any{"address": address}},
		}})
	}
	doc.Set("STATIC", at.Then("type"))
	doc.Delete(at.Then("transport_socket"))
	doc.Set(map[string]any{"cluster_name": name, "endpoints": endpoints}, at.Then("load_assignment"))
	return resource(doc, at, clusterType, name)
}

// resource is what stands at the path, as an answer of a discovery service holds it.
func resource(doc *envoyconfig.Document, at envoyconfig.Path, typeURL, name string) (map[string]any, error) {
	node := doc.Get(at)
	if err := doc.Err(); err != nil {
		return nil, err
	}
	members := node.(map[string]any)
	members["@type"], members["name"] = typeURL, name
	return members, nil
}

// loopback is a free port of this machine alone.
var loopback = map[string]any{"socket_address": map[string]any{"address": "127.0.0.1", "port_value": 0}}
