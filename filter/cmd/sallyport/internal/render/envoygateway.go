package render

import (
	"fmt"
	"slices"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
)

const envoyGatewayHead = "# Made by 'sallyport render --for envoy-gateway': change the configuration and render again. envoy-config/envoy-gateway has the\n" +
	"# reasons, and what this needs: the secrets sallyport-gateway and backend-client, the ConfigMap backend-ca, the variables of the\n" +
	"# configuration for Envoy's pods.\n"

// EnvoyGateway is the shipped manifests with this configuration, without the examples of a public route and of refused
// addresses. Each callee has a Backend and a route that nobody else can use: clusters are made of routes only.
func EnvoyGateway(config []byte, s Site) ([]byte, error) {
	needs, err := readNeeds(config)
	if err != nil {
		return nil, err
	}
	plugin, err := renamed(config, func(c Callee) string { return "httproute/default/" + slug(c) + "/rule/0" })
	if err != nil {
		return nil, err
	}
	name, digest, err := parseImage(s.Image)
	if err != nil {
		return nil, err
	}
	var all []envoyconfig.Manifest
	for _, file := range []string{"gateway.yaml", "routes.yaml", "backends.yaml", "plugin.yaml"} {
		read, err := manifests("envoy-gateway/" + file)
		if err != nil {
			return nil, err
		}
		all = append(all, read...)
	}
	all = slices.DeleteFunc(all, func(o envoyconfig.Manifest) bool {
		return o.Is("HTTPRoute", "public") || o.Is("SecurityPolicy", "addresses") ||
			o.Is("HTTPRoute", "okta") || o.Is("SecurityPolicy", "okta") || o.Is("Backend", "okta")
	})
	spec := envoyconfig.Path{"spec"}
	for _, o := range all {
		switch {
		case o.Is("HTTPRoute", "api"):
			if host := hosts(plugin); host[0] == "*" {
				o.Delete(spec.Then("hostnames"))
			} else {
				o.Set(host, spec.Then("hostnames"))
			}
		case o.Is("Backend", "backend"):
			o.Set(endpoint(s.BackendHost, s.BackendPort), spec.Then("endpoints"))
			o.Set(s.BackendHost, spec.Then("tls", "sni"))
		case o.Is("EnvoyExtensionPolicy", "sallyport"):
			wasm := spec.Then("wasm", 0)
			o.Set(plugin, wasm.Then("config"))
			o.Set(map[string]any{"url": name, "sha256": digest}, wasm.Then("code", "image"))
			if len(needs.variables) == 0 {
				o.Delete(wasm.Then("env"))
			} else {
				o.Set(needs.variables, wasm.Then("env", "hostKeys"))
			}
		}
	}
	for _, callee := range needs.servers() {
		added, err := envoyGatewayCallee(callee)
		if err != nil {
			return nil, err
		}
		all = append(all, added...)
	}
	return printed(envoyGatewayHead, all)
}

// envoyGatewayCallee makes the shipped objects for Okta those of the callee.
func envoyGatewayCallee(c Callee) ([]envoyconfig.Manifest, error) {
	host, port := c.address()
	number, err := portNumber(port)
	if err != nil {
		return nil, err
	}
	routes, err := manifests("envoy-gateway/routes.yaml")
	if err != nil {
		return nil, err
	}
	backends, err := manifests("envoy-gateway/backends.yaml")
	if err != nil {
		return nil, err
	}
	var all []envoyconfig.Manifest
	spec, name := envoyconfig.Path{"spec"}, slug(c)
	for _, o := range append(routes, backends...) {
		switch {
		case o.Is("HTTPRoute", "okta"):
			o.Set([]any{fmt.Sprintf("%s.sallyport.invalid", name)}, spec.Then("hostnames"))
			o.Set(name, spec.Then("rules", 0, "backendRefs", 0, "name"))
		case o.Is("SecurityPolicy", "okta"):
			o.Set(name, spec.Then("targetRefs", 0, "name"))
		case o.Is("Backend", "okta"):
			o.Set(endpoint(host, number), spec.Then("endpoints"))
			o.Set(host, spec.Then("tls", "sni"))
		default:
			continue
		}
		o.Set(name, envoyconfig.Path{"metadata", "name"})
		all = append(all, o)
	}
	return all, nil
}

func endpoint(host string, port int) []any {
	return []any{map[string]any{"fqdn": map[string]any{"hostname": host, "port": port}}}
}
