package render

import (
	"fmt"
	"strings"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
)

const istioHead = "# Made by 'sallyport render --for istio': change the configuration and render again. envoy-config/istio has the reasons, and\n" +
	"# what this needs: the secrets sallyport-gateway and backend-client, OKTA_CLIENT_SECRET or its like for the gateway, mesh.yaml.\n"

const istioNamespace = "istio-system"

// Istio is the shipped manifests of one gateway with this configuration, without the examples of a public route and of refused
// addresses.
func Istio(config []byte, s Site) ([]byte, error) {
	needs, err := readNeeds(config)
	if err != nil {
		return nil, err
	}
	plugin, err := renamed(config, istioCluster)
	if err != nil {
		return nil, err
	}
	var all []envoyconfig.Manifest
	for _, file := range []string{"base/plugin.yaml", "overlays/one-gateway/gateway.yaml", "overlays/one-gateway/backend.yaml", "overlays/one-gateway/telemetry.yaml"} {
		read, err := manifests("istio/" + file)
		if err != nil {
			return nil, err
		}
		all = append(all, read...)
	}
	name, digest, err := parseImage(s.Image)
	if err != nil {
		return nil, err
	}
	spec, host := envoyconfig.Path{"spec"}, hosts(plugin)
	for _, o := range all {
		switch {
		case o.Is("WasmPlugin", "sallyport"):
			o.Set("oci://"+name+"@sha256:"+digest, spec.Then("url"))
			o.Set(plugin, spec.Then("pluginConfig"))
			o.Set(map[string]any{"env": fromHost(needs.variables)}, spec.Then("vmConfig"))
		case o.Is("Gateway", "sallyport"):
			o.Set(host, spec.Then("servers", 0, "hosts"))
		case o.Is("VirtualService", "sallyport"):
			o.Set(host, spec.Then("hosts"))
			route := o.Get(spec.Then("http", envoyconfig.Named("api")))
			o.Set([]any{route}, spec.Then("http"))
			o.Set(map[string]any{"host": s.BackendHost, "port": map[string]any{"number": s.BackendPort}}, spec.Then("http", 0, "route", 0, "destination"))
		case o.Is("ServiceEntry", "backend"):
			o.Set([]any{s.BackendHost}, spec.Then("hosts"))
			o.Set(s.BackendPort, spec.Then("ports", 0, "number"))
		case o.Is("DestinationRule", "backend"):
			o.Set(s.BackendHost, spec.Then("host"))
			named(o, s.BackendHost)
		}
	}
	for _, callee := range needs.servers() {
		entries, err := istioCallee(callee)
		if err != nil {
			return nil, err
		}
		all = append(all, entries...)
	}
	for _, o := range all {
		metadata, _ := o.Get(envoyconfig.Path{"metadata"}).(map[string]any)
		metadata["namespace"] = istioNamespace
	}
	return printed(istioHead, all)
}

// istioCluster is what Istio calls the cluster of a ServiceEntry.
func istioCluster(c Callee) string {
	if strings.HasPrefix(c.Cluster, "outbound|") {
		return c.Cluster
	}
	host, port := c.address()
	return fmt.Sprintf("outbound|%s||%s", port, host)
}

// istioCallee makes the shipped entries for Okta those of the callee.
func istioCallee(c Callee) ([]envoyconfig.Manifest, error) {
	all, err := manifests("istio/base/okta.yaml")
	if err != nil {
		return nil, err
	}
	host, port := c.address()
	number, err := portNumber(port)
	if err != nil {
		return nil, err
	}
	spec := envoyconfig.Path{"spec"}
	for _, o := range all {
		if o.Is("ServiceEntry", "okta") {
			o.Set([]any{host}, spec.Then("hosts"))
			o.Set(number, spec.Then("ports", 0, "number"))
		} else {
			o.Set(host, spec.Then("host"))
			named(o, host)
		}
		o.Set(slug(c), envoyconfig.Path{"metadata", "name"})
	}
	return all, nil
}

// named makes a DestinationRule expect a certificate for the host.
func named(o envoyconfig.Manifest, host string) {
	tls := envoyconfig.Path{"spec", "trafficPolicy", "tls"}
	o.Set(host, tls.Then("sni"))
	o.Set([]any{host}, tls.Then("subjectAltNames"))
}

func fromHost(variables []string) []any {
	all := []any{}
	for _, name := range variables {
		all = append(all, map[string]any{"name": name, "valueFrom": "HOST"})
	}
	return all
}
