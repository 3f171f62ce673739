// Package envoyconfig gives tests and the demo the shipped envoy.yaml, with addresses and paths of their own in the
// place of the example's.
package envoyconfig

import (
	"fmt"
	"net"
	"strconv"
)

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
	doc := Parse()
	doc.setAddress(d.Listen, listener.Then("address"))
	doc.setAddress(d.Admin, Path{"admin", "address"})
	doc.setText(d.Module, wasm.Then("vm_config", "code", "local", "filename"))
	doc.setText(string(d.PluginConfig), wasm.Then("configuration", "value"))
	doc.setCertificate(d.Certificate, d.Key, chain)
	doc.setUpstream(d.Okta, "okta")
	doc.setUpstream(d.Backend, "backend")
	return doc.JSON()
}

func (d *Document) setText(value string, at Path) {
	if value != "" {
		d.Set(value, at)
	}
}

func (d *Document) setAddress(hostPort string, at Path) {
	if hostPort == "" || d.err != nil {
		return
	}
	var address any
	if address, d.err = Address(hostPort); d.err == nil {
		d.Set(address, at)
	}
}

// Address is host:port as Envoy writes it.
func Address(hostPort string) (any, error) {
	host, portText, err := net.SplitHostPort(hostPort)
	if err != nil {
		return nil, fmt.Errorf("read the address %q: %w", hostPort, err)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("read the address %q: %w", hostPort, err)
	}
	return map[string]any{"socket_address": map[string]any{"address": host, "port_value": port}}, nil
}

func (d *Document) setCertificate(certificate, key string, at Path) {
	at = at.Then("transport_socket", "typed_config", "common_tls_context", "tls_certificates", 0)
	d.setText(certificate, at.Then("certificate_chain", "filename"))
	d.setText(key, at.Then("private_key", "filename"))
}

func (d *Document) setUpstream(u Upstream, name string) {
	cluster := Cluster(name)
	tls := cluster.Then("transport_socket", "typed_config")
	validation := tls.Then("common_tls_context", "validation_context")
	d.setAddress(u.Address, cluster.Then("load_assignment", "endpoints", 0, "lb_endpoints", 0, "endpoint", "address"))
	d.setText(u.ServerName, tls.Then("sni"))
	d.setText(u.ServerName, validation.Then("match_typed_subject_alt_names", 0, "matcher", "exact"))
	d.setText(u.CA, validation.Then("trusted_ca", "filename"))
	d.setCertificate(u.Certificate, u.Key, cluster)
}
