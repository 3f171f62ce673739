package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
)

// EnvoySite is what a bootstrap needs beside the configuration.
type EnvoySite struct {
	envoyconfig.Deployment
	Backends               []Backend // see ParseBackends
	ListenTLS, BackendTLS  TLS
	IdentityTLS            TLS
	BackendName, BackendCA string   // in its certificate; path
	Engines                []string // see ParseEngines
}

// Envoy is the shipped envoy.yaml with this configuration: one cluster for each server that the filter calls, one for each
// engine and backend, and the environment variables that it reads. The deployment's fields replace what envoy.yaml marks for editing.
func Envoy(config []byte, s EnvoySite) ([]byte, error) {
	needs, err := readNeeds(config)
	if err != nil {
		return nil, err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, config, "", "  "); err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	s.PluginConfig = indented.Bytes()
	document := s.Document()
	vm := envoyconfig.Wasm().Then("vm_config")
	if len(needs.variables) == 0 {
		document.Delete(vm.Then("environment_variables"))
	} else {
		document.Set(needs.variables, vm.Then("environment_variables", "host_env_keys"))
	}
	if s.ListenTLS == Plain {
		document.Delete(envoyconfig.Listener().Then("filter_chains", 0, "transport_socket"))
	}
	clusters, err := calleeClusters(document, needs.callees, s)
	if err != nil {
		return nil, err
	}
	backends, err := backendClusters(document, s)
	if err != nil {
		return nil, err
	}
	at, err := ParseEngines(s.Engines, needs.engines)
	if err != nil {
		return nil, err
	}
	engines, err := engineClusters(at, s.Backends)
	if err != nil {
		return nil, err
	}
	if err := routed(document, config, s.Backends); err != nil {
		return nil, err
	}
	document.Set(slices.Concat(clusters, engines, backends), envoyconfig.Path{"static_resources", "clusters"})
	text, err := document.YAML()
	if err != nil {
		return nil, err
	}
	return append([]byte(envoyHead), text...), nil
}

const envoyHead = "# Made by 'sallyport render --for envoy': change the configuration and render again. The reasons for what is here are in\n" +
	"# the comments of envoy-config/envoy.yaml.\n"

// routed makes the routes choose among several backends.
func routed(document *envoyconfig.Document, config []byte, backends []Backend) error {
	if len(backends) == 1 {
		return nil
	}
	all, err := placesFor(config, backends)
	if err != nil {
		return err
	}
	routes := envoyconfig.Manager().Then("route_config", "virtual_hosts", envoyconfig.Named("gateway"), "routes")
	timeout := document.Get(routes.Then(0, "route", "timeout"))
	document.Set(envoyRoutes(backends, all, timeout), routes)
	return nil
}

// calleeClusters makes the shipped cluster for Okta once for each callee.
func calleeClusters(document *envoyconfig.Document, callees []Callee, s EnvoySite) (clusters []any, err error) {
	for _, callee := range callees {
		for _, b := range s.Backends {
			if callee.Cluster == b.cluster() {
				return nil, fmt.Errorf("the cluster %q is the backend's: give the authorization server another one", callee.Cluster)
			}
		}
		host, portText := callee.address(s.IdentityTLS)
		port, err := portNumber(portText)
		if err != nil {
			return nil, err
		}
		one, err := copied(document, "okta", callee.Cluster)
		if err != nil {
			return nil, err
		}
		if err := one.endpoints([]Endpoint{{host, port}}); err != nil {
			return nil, err
		}
		one.secured(s.IdentityTLS, host)
		if err := one.Err(); err != nil {
			return nil, err
		}
		clusters = append(clusters, one.root)
	}
	return clusters, nil
}

// backendClusters makes the shipped cluster for the backend once for each.
func backendClusters(document *envoyconfig.Document, s EnvoySite) (clusters []any, err error) {
	for _, b := range s.Backends {
		one, err := copied(document, "backend", b.cluster())
		if err != nil {
			return nil, err
		}
		if err := one.endpoints(b.Endpoints); err != nil {
			return nil, err
		}
		name := s.BackendName
		if name == "" {
			name = b.Endpoints[0].Host
		}
		if s.BackendTLS != Plain && s.BackendCA != "" {
			one.Set(s.BackendCA, tlsContext.Then("common_tls_context", "validation_context", "trusted_ca", "filename"))
		}
		if s.BackendTLS == Server {
			one.Delete(tlsContext.Then("common_tls_context", "tls_certificate_sds_secret_configs"))
		}
		one.secured(s.BackendTLS, name)
		if err := one.Err(); err != nil {
			return nil, err
		}
		clusters = append(clusters, one.root)
	}
	return clusters, nil
}

// cluster is one of the bootstrap.
type cluster struct {
	*envoyconfig.Document
	root map[string]any
}

var tlsContext = envoyconfig.Path{"transport_socket", "typed_config"}

// copied is a copy of a shipped cluster under another name.
func copied(document *envoyconfig.Document, shipped, name string) (cluster, error) {
	text, err := json.Marshal(document.Get(envoyconfig.Cluster(shipped)))
	if err != nil {
		return cluster{}, fmt.Errorf("read the shipped cluster: %w", err)
	}
	c := cluster{}
	if err := json.Unmarshal(text, &c.root); err != nil {
		return cluster{}, fmt.Errorf("read the shipped cluster: %w", err)
	}
	c.called(name)
	return c, nil
}

// called gives the cluster, whose root is read, its name.
func (c *cluster) called(name string) {
	c.Document = envoyconfig.Wrap("the cluster "+name, c.root)
	c.Set(name, envoyconfig.Path{"name"})
	c.Set(name, envoyconfig.Path{"load_assignment", "cluster_name"})
}

// endpoints are the cluster's; addresses are not looked up.
func (c cluster) endpoints(all []Endpoint) error {
	var list []any
	static := true
	for _, e := range all {
		address, err := envoyconfig.Address(e.String())
		if err != nil {
			return err
		}
		static = static && isIP(e.Host)
		list = append(list, map[string]any{"endpoint": map[string]any{"address": address}})
	}
	if static {
		c.Set("STATIC", envoyconfig.Path{"type"})
		delete(c.root, "dns_lookup_family")
	}
	c.Set(list, envoyconfig.Path{"load_assignment", "endpoints", 0, "lb_endpoints"})
	return nil
}

// secured makes the cluster expect a certificate for a name or an IP address.
func (c cluster) secured(tls TLS, name string) {
	if tls == Plain {
		c.Delete(envoyconfig.Path{"transport_socket"})
		return
	}
	names := tlsContext.Then("common_tls_context", "validation_context", "match_typed_subject_alt_names", 0)
	c.Set(name, names.Then("matcher", "exact"))
	if isIP(name) {
		c.Set("IP_ADDRESS", names.Then("san_type"))
		c.Delete(tlsContext.Then("sni")) // which has only names
		return
	}
	c.Set(name, tlsContext.Then("sni"))
}
