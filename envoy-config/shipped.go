// Package envoyconfig gives tests and the demo the shipped envoy.yaml, with addresses and paths of their own in place
// of the example's.
package envoyconfig

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// Deployment is what differs from one deployment of envoy.yaml to the next: the lines that it marks for editing.
// An empty field keeps what the file says.
type Deployment struct {
	Listen       string // host:port of the gateway; port 0 is allowed
	Admin        string // host:port
	Module       string // path of the Wasm module
	PluginConfig []byte // JSON for the filter
	Secrets      string // path of the folder with the files of secrets/; see WriteSecrets
	Watched      string // path of the folder in which certificates are replaced
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

// Listener, Manager and Wasm are the places in envoy.yaml of its listener, the listener's connection manager and the
// configuration of the filter in it.
func Listener() Path { return listener }

// Manager is the listener's HTTP connection manager, see Listener.
func Manager() Path { return manager }

// Wasm is the filter's PluginConfig, see Listener.
func Wasm() Path { return wasm }

// Cluster is the place in envoy.yaml of the cluster with that name.
func Cluster(name string) Path { return Path{"static_resources", "clusters", Named(name)} }

// Bootstrap is envoy.yaml for this deployment, as JSON. It fails when a place to change is no longer in the file.
func (d Deployment) Bootstrap() ([]byte, error) { return d.Document().JSON() }

// Document is envoy.yaml for this deployment.
func (d Deployment) Document() *Document {
	doc := Parse()
	doc.setAddress(d.Listen, listener.Then("address"))
	doc.setAddress(d.Admin, Path{"admin", "address"})
	doc.setText(d.Module, wasm.Then("vm_config", "code", "local", "filename"))
	doc.setText(string(d.PluginConfig), wasm.Then("configuration", "value"))
	doc.setText(d.secret(secretGateway), secretOf(chain))
	doc.setText(d.secret(secretBackendClient), secretOf(Cluster("backend")))
	doc.setUpstream(d.Okta, "okta")
	doc.setUpstream(d.Backend, "backend")
	return doc
}

// WriteSecrets puts the files of secrets/ into the folder Secrets, for this deployment. Envoy wants them to be there when
// it starts.
func (d Deployment) WriteSecrets() error {
	for name, pair := range map[string][2]string{
		secretGateway:       {d.Certificate, d.Key},
		secretBackendClient: {d.Backend.Certificate, d.Backend.Key},
	} {
		doc := parse("secrets/" + name + ".yaml")
		at := Path{"resources", Named(name), "tls_certificate"}
		doc.setText(pair[0], at.Then("certificate_chain", "filename"))
		doc.setText(pair[1], at.Then("private_key", "filename"))
		doc.setText(d.Watched, at.Then("watched_directory", "path"))
		text, err := doc.JSON()
		if err != nil {
			return err
		}
		if err := os.WriteFile(d.secret(name), text, 0o600); err != nil {
			return fmt.Errorf("write the secret %s: %w", name, err)
		}
	}
	return nil
}

const (
	secretGateway       = "gateway"
	secretBackendClient = "backend-client"
)

// secret is the file of that secret, "" where the shipped path stays.
func (d Deployment) secret(name string) string {
	if d.Secrets == "" {
		return ""
	}
	return filepath.Join(d.Secrets, name+".yaml")
}

// secretOf is where the listener's chain or the cluster says in which file its certificate is named.
func secretOf(at Path) Path {
	return at.Then("transport_socket", "typed_config", "common_tls_context", "tls_certificate_sds_secret_configs", 0, "sds_config", "path_config_source", "path")
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

func (d *Document) setUpstream(u Upstream, name string) {
	cluster := Cluster(name)
	tls := cluster.Then("transport_socket", "typed_config")
	validation := tls.Then("common_tls_context", "validation_context")
	d.setAddress(u.Address, cluster.Then("load_assignment", "endpoints", 0, "lb_endpoints", 0, "endpoint", "address"))
	d.setText(u.ServerName, tls.Then("sni"))
	d.setText(u.ServerName, validation.Then("match_typed_subject_alt_names", 0, "matcher", "exact"))
	d.setText(u.CA, validation.Then("trusted_ca", "filename"))
}
