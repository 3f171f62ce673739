package render

import (
	"fmt"
	"maps"
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
	engines, err := ParseEngines(s.Engines, needs.engines)
	if err != nil {
		return nil, err
	}
	plugin, err := renamed(config, func(c Callee) string { return "httproute/default/" + slug(c, s.IdentityTLS) + "/rule/0" }, gatewayEngineCluster, engines)
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
			o.Is("HTTPRoute", "okta") || o.Is("SecurityPolicy", "okta") || o.Kind == "Backend"
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
			if err := gatewayRules(o, config, s.Backends); err != nil {
				return nil, err
			}
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
	for _, b := range s.Backends {
		o, err := gatewayBackend(b, s)
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	for _, e := range endpointsOnce(engines) {
		added, err := gatewayEngine(e)
		if err != nil {
			return nil, err
		}
		all = append(all, added...)
	}
	for _, callee := range needs.servers(s.IdentityTLS) {
		added, err := envoyGatewayCallee(callee, s.IdentityTLS)
		if err != nil {
			return nil, err
		}
		all = append(all, added...)
	}
	return printed(envoyGatewayHead, all)
}

// gatewayRules makes the route choose the backend by the API's base path. Hosts belong to the route, not to a rule: two
// APIs at one base path under several hosts cannot have several backends here.
func gatewayRules(o envoyconfig.Manifest, config []byte, backends []Backend) error {
	if len(backends) == 1 {
		return nil
	}
	all, err := placesFor(config, backends)
	if err != nil {
		return err
	}
	rules := envoyconfig.Path{"spec", "rules"}
	shipped, ok := o.Get(rules.Then(0)).(map[string]any)
	if !ok {
		return o.Err()
	}
	to := map[string]int{}
	var list []any
	for _, p := range append(all, apiPlace{base: "/"}) {
		i := backendOf(backends, p)
		if before, known := to[p.base]; known {
			if before != i && p.api != "" {
				return fmt.Errorf("--backend: several APIs have the base path %s under several hosts: Envoy Gateway's route cannot send them to several backends", p.base)
			}
			continue
		}
		to[p.base] = i
		rule := maps.Clone(shipped)
		rule["matches"] = []any{map[string]any{"path": map[string]any{"type": "PathPrefix", "value": p.base}}}
		rule["backendRefs"] = []any{map[string]any{"group": "gateway.envoyproxy.io", "kind": "Backend", "name": backends[i].cluster()}}
		list = append(list, rule)
	}
	o.Set(list, rules)
	return nil
}

// gatewayBackend adapts the shipped Backend to this one.
func gatewayBackend(b Backend, s Site) (o envoyconfig.Manifest, err error) {
	shipped, err := manifests("envoy-gateway/backends.yaml")
	if err != nil {
		return o, err
	}
	spec := envoyconfig.Path{"spec"}
	for _, o := range shipped {
		if !o.Is("Backend", "backend") {
			continue
		}
		o.Set(b.cluster(), envoyconfig.Path{"metadata", "name"})
		o.Set(endpoints(b.Endpoints), spec.Then("endpoints"))
		if s.BackendTLS == Server {
			o.Delete(spec.Then("tls", "clientCertificateRef"))
		}
		return o, gatewayTLS(o, s.BackendTLS, s.backendName(b))
	}
	return o, fmt.Errorf("envoy-gateway/backends.yaml has no backend")
}

// gatewayTLS says what a Backend's certificate must be for. Envoy Gateway also uses the name for SNI, which cannot be
// an address.
func gatewayTLS(o envoyconfig.Manifest, tls TLS, name string) error {
	spec := envoyconfig.Path{"spec"}
	switch {
	case tls == Plain:
		o.Delete(spec.Then("tls"))
	case tls == Mesh:
		return fmt.Errorf("--backend-tls mesh cannot be used for envoy-gateway")
	case isIP(name):
		return fmt.Errorf("envoy-gateway verifies certificates by name, and %s is an address: give the name in its certificate", name)
	default:
		o.Set(name, spec.Then("tls", "sni"))
	}
	return o.Err()
}

// envoyGatewayCallee adapts the shipped objects for Okta to the callee.
func envoyGatewayCallee(c Callee, tls TLS) ([]envoyconfig.Manifest, error) {
	host, port := c.address(tls)
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
	spec, name := envoyconfig.Path{"spec"}, slug(c, tls)
	for _, o := range append(routes, backends...) {
		switch {
		case o.Is("HTTPRoute", "okta"):
			o.Set([]any{fmt.Sprintf("%s.sallyport.invalid", name)}, spec.Then("hostnames"))
			o.Set(name, spec.Then("rules", 0, "backendRefs", 0, "name"))
		case o.Is("SecurityPolicy", "okta"):
			o.Set(name, spec.Then("targetRefs", 0, "name"))
		case o.Is("Backend", "okta"):
			o.Set(endpoints([]Endpoint{{host, number}}), spec.Then("endpoints"))
			if err := gatewayTLS(o, tls, host); err != nil {
				return nil, err
			}
		default:
			continue
		}
		o.Set(name, envoyconfig.Path{"metadata", "name"})
		all = append(all, o)
	}
	return all, nil
}

func endpoints(all []Endpoint) (list []any) {
	for _, e := range all {
		if isIP(e.Host) {
			list = append(list, map[string]any{"ip": map[string]any{"address": e.Host, "port": e.Port}})
		} else {
			list = append(list, map[string]any{"fqdn": map[string]any{"hostname": e.Host, "port": e.Port}})
		}
	}
	return list
}
