package render

import (
	"fmt"
	"maps"
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
	engines, err := ParseEngines(s.Engines, needs.engines)
	if err != nil {
		return nil, err
	}
	plugin, err := renamed(config, func(c Callee) string { return istioCluster(c, s.IdentityTLS) }, istioEngineCluster, engines)
	if err != nil {
		return nil, err
	}
	var all []envoyconfig.Manifest
	for _, file := range []string{"base/plugin.yaml", "overlays/one-gateway/gateway.yaml", "overlays/one-gateway/telemetry.yaml"} {
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
			routes, err := istioRoutes(o.Get(spec.Then("http", envoyconfig.Named("api"))), config, s)
			if err != nil {
				return nil, err
			}
			o.Set(routes, spec.Then("http"))
		}
	}
	for _, b := range s.Backends {
		entries, err := istioBackend(b, s)
		if err != nil {
			return nil, err
		}
		all = append(all, entries...)
	}
	for _, e := range endpointsOnce(engines) {
		added, err := istioEngine(e)
		if err != nil {
			return nil, err
		}
		all = append(all, added...)
	}
	for _, callee := range needs.servers(s.IdentityTLS) {
		entries, err := istioCallee(callee, s.IdentityTLS)
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

// inMesh reports whether a host is a service of Kubernetes, which the mesh knows without an entry.
func inMesh(host string) bool {
	return strings.HasSuffix(host, ".svc.cluster.local") || strings.HasSuffix(host, ".svc")
}

// istioHost is the name by which the mesh knows an endpoint: an address alone has none, and gets one. A Service is known by
// its whole name.
func istioHost(host string) string {
	switch {
	case isIP(host):
		return hostSlug(host) + ".sallyport.invalid"
	case strings.HasSuffix(host, ".svc"):
		return host + ".cluster.local"
	}
	return host
}

// istioRoutes are the shipped route, once for each place of an API with a backend of its own, and once for all others.
func istioRoutes(shipped any, config []byte, s Site) ([]any, error) {
	route, ok := shipped.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the shipped VirtualService has no route api")
	}
	to := func(b Backend, name string, match []any) map[string]any {
		r := maps.Clone(route)
		r["name"] = name
		if match != nil {
			r["match"] = match
		}
		e := b.Endpoints[0]
		r["route"] = []any{map[string]any{"destination": map[string]any{"host": istioHost(e.Host), "port": map[string]any{"number": e.Port}}}}
		return r
	}
	var routes []any
	if len(s.Backends) > 1 {
		all, err := placesFor(config, s.Backends)
		if err != nil {
			return nil, err
		}
		for i, p := range all {
			b := s.Backends[backendOf(s.Backends, p)]
			routes = append(routes, to(b, fmt.Sprintf("api-%d", i), p.istioMatch()))
		}
	}
	return append(routes, to(s.Backends[0], "api", nil)), nil
}

// istioMatch is the base path and what is below it, on the boundary of a level.
func (p apiPlace) istioMatch() []any {
	uris := []any{map[string]any{"exact": p.base}, map[string]any{"prefix": p.base + "/"}}
	if p.base == "/" {
		uris = []any{map[string]any{"prefix": "/"}}
	}
	var all []any
	for _, uri := range uris {
		match := map[string]any{"uri": uri}
		switch suffix, ok := strings.CutPrefix(p.host, "*"); {
		case ok:
			match["authority"] = map[string]any{"regex": `.*` + strings.ReplaceAll(suffix, ".", `\.`)}
		case p.host != "":
			match["authority"] = map[string]any{"exact": p.host}
		}
		all = append(all, match)
	}
	return all
}

// istioBackend adapts the shipped entries for the backend to this one.
func istioBackend(b Backend, s Site) ([]envoyconfig.Manifest, error) {
	shipped, err := manifests("istio/overlays/one-gateway/backend.yaml")
	if err != nil {
		return nil, err
	}
	first, tls := b.Endpoints[0], s.BackendTLS
	known := inMesh(first.Host)
	if known && len(b.Endpoints) > 1 {
		return nil, fmt.Errorf("--backend: %s is a service of the mesh, which knows its endpoints itself: give it once", first.Host)
	}
	if tls == Mesh && !known {
		return nil, fmt.Errorf("--backend-tls mesh: %s is not a service of the mesh, such as orders.shop.svc.cluster.local", first.Host)
	}
	var all []envoyconfig.Manifest
	spec := envoyconfig.Path{"spec"}
	for _, o := range shipped {
		o.Set(b.cluster(), envoyconfig.Path{"metadata", "name"})
		if o.Kind == "ServiceEntry" {
			if known {
				continue
			}
			istioEntry(o, b.Endpoints, tls)
		} else {
			o.Set(istioHost(first.Host), spec.Then("host"))
			named(o, s.backendName(b))
			switch tls {
			case Plain:
				o.Set(map[string]any{"mode": "DISABLE"}, spec.Then("trafficPolicy", "tls"))
			case Mesh:
				o.Set(map[string]any{"mode": "ISTIO_MUTUAL"}, spec.Then("trafficPolicy", "tls"))
			case Server:
				o.Set("SIMPLE", spec.Then("trafficPolicy", "tls", "mode"))
			}
		}
		all = append(all, o)
	}
	return all, nil
}

// istioEntry adapts the shipped entry to these endpoints, which are outside the mesh.
func istioEntry(o envoyconfig.Manifest, all []Endpoint, tls TLS) {
	spec := envoyconfig.Path{"spec"}
	o.Set([]any{istioHost(all[0].Host)}, spec.Then("hosts"))
	o.Set(all[0].Port, spec.Then("ports", 0, "number"))
	if tls == Plain {
		o.Set("HTTP", spec.Then("ports", 0, "protocol"))
		o.Set("http", spec.Then("ports", 0, "name"))
	}
	if len(all) == 1 && !isIP(all[0].Host) {
		return
	}
	var list []any
	static := true
	port, _ := o.Get(spec.Then("ports", 0, "name")).(string)
	for _, e := range all {
		static = static && isIP(e.Host)
		list = append(list, map[string]any{"address": e.Host, "ports": map[string]any{port: e.Port}})
	}
	if static {
		o.Set("STATIC", spec.Then("resolution"))
	}
	o.Add(list, spec.Then("endpoints"))
}

// istioCluster is what Istio calls the cluster of a ServiceEntry.
func istioCluster(c Callee, tls TLS) string {
	if strings.HasPrefix(c.Cluster, "outbound|") {
		return c.Cluster
	}
	host, port := c.address(tls)
	return fmt.Sprintf("outbound|%s||%s", port, istioHost(host))
}

// istioCallee adapts the shipped entries for Okta to the callee.
func istioCallee(c Callee, tls TLS) ([]envoyconfig.Manifest, error) {
	shipped, err := manifests("istio/base/okta.yaml")
	if err != nil {
		return nil, err
	}
	host, port := c.address(tls)
	number, err := portNumber(port)
	if err != nil {
		return nil, err
	}
	var all []envoyconfig.Manifest
	spec := envoyconfig.Path{"spec"}
	for _, o := range shipped {
		o.Set(slug(c, tls), envoyconfig.Path{"metadata", "name"})
		if o.Kind == "ServiceEntry" {
			if inMesh(host) {
				continue
			}
			istioEntry(o, []Endpoint{{host, number}}, tls)
		} else {
			o.Set(istioHost(host), spec.Then("host"))
			named(o, host)
			if tls == Plain {
				o.Set(map[string]any{"mode": "DISABLE"}, spec.Then("trafficPolicy", "tls"))
			}
		}
		all = append(all, o)
	}
	return all, nil
}

// named makes a DestinationRule expect a certificate for the host. An address is not a name for SNI.
func named(o envoyconfig.Manifest, host string) {
	tls := envoyconfig.Path{"spec", "trafficPolicy", "tls"}
	o.Set([]any{host}, tls.Then("subjectAltNames"))
	if isIP(host) {
		o.Delete(tls.Then("sni"))
		return
	}
	o.Set(host, tls.Then("sni"))
}

func fromHost(variables []string) []any {
	all := []any{}
	for _, name := range variables {
		all = append(all, map[string]any{"name": name, "valueFrom": "HOST"})
	}
	return all
}
