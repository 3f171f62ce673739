package e2e

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
)

const (
	listenerType = "type.googleapis.com/envoy.config.listener.v3.Listener"
	clusterType  = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
)

// bootstrap reads listeners and clusters from files in dir, and keeps only the statistics that the driver reads:
// hundreds of clusters have tens of thousands.
func bootstrap(dir string) ([]byte, error) {
	source := func(file string) any {
		return map[string]any{"path_config_source": map[string]any{"path": filepath.Join(dir, file)}}
	}
	return json.Marshal(map[string]any{
		"node":  map[string]any{"id": "e2e", "cluster": "e2e"},
		"admin": map[string]any{"address": loopback},
		"dynamic_resources": map[string]any{
			"lds_config": source(ldsFile),
			"cds_config": source(cdsFile),
		},
		"stats_config": map[string]any{"stats_matcher": map[string]any{"inclusion_list": map[string]any{"patterns": []any{
			map[string]any{"prefix": "wasmcustom."},
			map[string]any{"prefix": "wasm."},
			map[string]any{"prefix": "listener_manager."},
			map[string]any{"prefix": "extension_config_discovery."},
			map[string]any{"prefix": "cluster_manager."},
			map[string]any{"safe_regex": map[string]any{"regex": `(http|cluster)\..*\.(up|down)stream_rq_(total|active)`}},
			map[string]any{"safe_regex": map[string]any{"regex": `http\..*\.downstream_cx_rx_bytes_total`}},
			map[string]any{"safe_regex": map[string]any{"regex": `listener\..*\.worker_[0-9]+\.downstream_cx_total`}},
		}}}},
	})
}

// gateway is what a scenario's listener has of its own.
type gateway struct {
	name    string // of the listener, its statistics, the plugin and the VM, so that nothing is shared
	backend string // cluster
	module  string // path
	rootID  string
	config  []byte
	env     map[string]string
	edit    func(*envoyconfig.Document)
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
func (g gateway) listener() (any, error) {
	doc := envoyconfig.Parse()
	listener, manager, wasm := envoyconfig.Listener(), envoyconfig.Manager(), envoyconfig.Wasm()
	doc.Set(loopback, listener.Then("address"))
	doc.Delete(listener.Then("filter_chains", 0, "transport_socket"))
	doc.Set(g.name, manager.Then("stat_prefix"))
	for _, path := range hiding {
		doc.Delete(manager.Then(path...))
	}
	doc.Set(g.backend, manager.Then("route_config", "virtual_hosts", 0, "routes", 0, "route", "cluster"))

	doc.Set(g.name, wasm.Then("name"))
	doc.Set(g.rootID, wasm.Then("root_id"))
	doc.Set(g.name, wasm.Then("vm_config", "vm_id"))
	doc.Set(g.module, wasm.Then("vm_config", "code", "local", "filename"))
	doc.Set(map[string]any{"key_values": g.env}, wasm.Then("vm_config", "environment_variables"))
	doc.Set(string(g.config), wasm.Then("configuration", "value"))
	if g.edit != nil {
		g.edit(doc)
	}
	return resource(doc, listener, listenerType, g.name)
}

// upstream is a cluster of a scenario.
type upstream struct {
	name    string
	address string // host:port; empty for a cluster without endpoints
}

// cluster is the shipped cluster of that kind ("okta" or "backend"), in plaintext and with a fixed address.
func (u upstream) cluster(kind string) (any, error) {
	doc := envoyconfig.Parse()
	cluster := envoyconfig.Cluster(kind)
	endpoints := []any{}
	if u.address != "" {
		address, err := envoyconfig.Address(u.address)
		if err != nil {
			return nil, fmt.Errorf("cluster %s: %w", u.name, err)
		}
		endpoints = append(endpoints, map[string]any{"lb_endpoints": []any{
			map[string]any{"endpoint": map[string]any{"address": address}},
		}})
	}
	doc.Set("STATIC", cluster.Then("type"))
	doc.Delete(cluster.Then("transport_socket"))
	doc.Set(map[string]any{"cluster_name": u.name, "endpoints": endpoints}, cluster.Then("load_assignment"))
	return resource(doc, cluster, clusterType, u.name)
}

// resource is what stands at the path, as an answer of a discovery service holds it.
func resource(doc *envoyconfig.Document, at envoyconfig.Path, typeURL, name string) (any, error) {
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
