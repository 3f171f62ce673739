// Package envoyconfig gives tests and the demo the shipped envoy.yaml, with addresses and paths of their own in the
// place of the example's.
package envoyconfig

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net"
	"strconv"

	"sigs.k8s.io/yaml"
)

//go:embed envoy.yaml
var shipped []byte

// Parse decodes the shipped envoy.yaml into maps, slices and scalars, a fresh copy at each call.
func Parse() (any, error) {
	var root any
	if err := yaml.UnmarshalStrict(shipped, &root); err != nil {
		return nil, fmt.Errorf("parse envoy.yaml: %w", err)
	}
	return root, nil
}

// Deployment is what differs from one deployment of envoy.yaml to the next: the lines that it marks for editing.
// An empty field keeps what the file says.
type Deployment struct {
	Listen       string // host:port of the gateway; port 0 is allowed
	Admin        string // host:port
	Module       string // path of the Wasm module
	PluginConfig []byte // JSON for the filter
	Certificate  string // path: the gateway's own, for its clients
	Key          string
	Okta         Upstream
	Backend      Upstream
}

// Upstream is one cluster. Certificate and Key are the client certificate, where the cluster has one.
type Upstream struct {
	Address          string // host:port; the name is resolved by Envoy
	ServerName       string // for SNI, and what the certificate must be for
	CA               string // path
	Certificate, Key string // paths
}

// The places of envoy.yaml that others change as well.
var (
	listener = Path{"static_resources", "listeners", Named("gateway")}
	chain    = listener.Then("filter_chains", 0)
	manager  = chain.Then("filters", 0, "typed_config")
	wasm     = manager.Then("http_filters", Named("sallyport"), "typed_config", "config")
)

// Listener, Manager and Wasm are where envoy.yaml has its listener, the listener's connection manager and the
// configuration of the filter in it.
func Listener() Path { return listener }

// Manager is the listener's HTTP connection manager, see Listener.
func Manager() Path { return manager }

// Wasm is the filter's PluginConfig, see Listener.
func Wasm() Path { return wasm }

// Cluster is where envoy.yaml has the cluster of that name.
func Cluster(name string) Path { return Path{"static_resources", "clusters", Named(name)} }

// Bootstrap is envoy.yaml for this deployment, as JSON. It fails when a place to change is not in the file any more.
func (d Deployment) Bootstrap() ([]byte, error) {
	root, err := Parse()
	if err != nil {
		return nil, err
	}
	e := edit{root: root}
	e.address(d.Listen, listener.Then("address"))
	e.address(d.Admin, Path{"admin", "address"})
	e.text(d.Module, wasm.Then("vm_config", "code", "local", "filename"))
	e.text(string(d.PluginConfig), wasm.Then("configuration", "value"))
	e.certificate(d.Certificate, d.Key, chain)
	e.upstream(d.Okta, "okta")
	e.upstream(d.Backend, "backend")
	if e.err != nil {
		return nil, e.err
	}
	out, err := json.Marshal(root)
	if err != nil {
		return nil, fmt.Errorf("encode the bootstrap: %w", err)
	}
	return out, nil
}

// edit sets values until the first error.
type edit struct {
	root any
	err  error
}

func (e *edit) text(value string, at Path) {
	if value != "" && e.err == nil {
		e.err = at.Set(e.root, value)
	}
}

func (e *edit) address(hostPort string, at Path) {
	if hostPort == "" || e.err != nil {
		return
	}
	host, portText, err := net.SplitHostPort(hostPort)
	if err != nil {
		e.err = fmt.Errorf("set %s: %w", at, err)
		return
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		e.err = fmt.Errorf("set %s: %w", at, err)
		return
	}
	e.err = at.Then("socket_address").Set(e.root, map[string]any{"address": host, "port_value": port})
}

func (e *edit) certificate(certificate, key string, at Path) {
	at = at.Then("transport_socket", "typed_config", "common_tls_context", "tls_certificates", 0)
	e.text(certificate, at.Then("certificate_chain", "filename"))
	e.text(key, at.Then("private_key", "filename"))
}

func (e *edit) upstream(u Upstream, name string) {
	cluster := Cluster(name)
	tls := cluster.Then("transport_socket", "typed_config")
	validation := tls.Then("common_tls_context", "validation_context")
	e.address(u.Address, cluster.Then("load_assignment", "endpoints", 0, "lb_endpoints", 0, "endpoint", "address"))
	e.text(u.ServerName, tls.Then("sni"))
	e.text(u.ServerName, validation.Then("match_typed_subject_alt_names", 0, "matcher", "exact"))
	e.text(u.CA, validation.Then("trusted_ca", "filename"))
	e.certificate(u.Certificate, u.Key, cluster)
}
