package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
)

// Envoy is the shipped envoy.yaml with this configuration: one cluster for each server that the filter calls, and the
// environment variables that it reads. The deployment's fields replace what envoy.yaml marks for editing.
func Envoy(config []byte, d envoyconfig.Deployment) ([]byte, error) {
	needs, err := readNeeds(config)
	if err != nil {
		return nil, err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, config, "", "  "); err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	d.PluginConfig = indented.Bytes()
	document := d.Document()
	vm := envoyconfig.Wasm().Then("vm_config")
	if len(needs.variables) == 0 {
		document.Delete(vm.Then("environment_variables"))
	} else {
		document.Set(needs.variables, vm.Then("environment_variables", "host_env_keys"))
	}
	all := envoyconfig.Path{"static_resources", "clusters"}
	clusters, err := calleeClusters(document, needs.callees)
	if err != nil {
		return nil, err
	}
	document.Set(append(clusters, document.Get(envoyconfig.Cluster("backend"))), all)
	text, err := document.YAML()
	if err != nil {
		return nil, err
	}
	return append([]byte(envoyHead), text...), nil
}

const envoyHead = "# Made by 'sallyport render --for envoy': change the configuration and render again. The reasons for what stands here are in\n" +
	"# the comments of envoy-config/envoy.yaml.\n"

// calleeClusters makes the shipped cluster for Okta once for each callee.
func calleeClusters(document *envoyconfig.Document, callees []Callee) (clusters []any, err error) {
	shipped, err := json.Marshal(document.Get(envoyconfig.Cluster("okta")))
	if err != nil {
		return nil, fmt.Errorf("read the shipped cluster: %w", err)
	}
	for _, callee := range callees {
		if callee.Cluster == "backend" {
			return nil, fmt.Errorf("the cluster %q is the backend's: give the authorization server another one", callee.Cluster)
		}
		var cluster map[string]any
		if err := json.Unmarshal(shipped, &cluster); err != nil {
			return nil, fmt.Errorf("read the shipped cluster: %w", err)
		}
		host, port := callee.address()
		address, err := envoyconfig.Address(net.JoinHostPort(host, port))
		if err != nil {
			return nil, err
		}
		one := envoyconfig.Wrap("the cluster "+callee.Cluster, cluster)
		tls := envoyconfig.Path{"transport_socket", "typed_config"}
		one.Set(callee.Cluster, envoyconfig.Path{"name"})
		one.Set(callee.Cluster, envoyconfig.Path{"load_assignment", "cluster_name"})
		one.Set(address, envoyconfig.Path{"load_assignment", "endpoints", 0, "lb_endpoints", 0, "endpoint", "address"})
		one.Set(host, tls.Then("sni"))
		one.Set(host, tls.Then("common_tls_context", "validation_context", "match_typed_subject_alt_names", 0, "matcher", "exact"))
		if err := one.Err(); err != nil {
			return nil, err
		}
		clusters = append(clusters, cluster)
	}
	return clusters, nil
}
