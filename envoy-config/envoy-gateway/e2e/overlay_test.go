package e2e

import (
	"encoding/base64"
	"errors"
	"net"
	"path/filepath"
	"strconv"

	"github.com/sallyport-gateway/sallyport/envoy-config/envoyrun"
	"github.com/sallyport-gateway/sallyport/envoy-config/testsite"
	"github.com/sallyport-gateway/sallyport/hostsim/pki"
)

// overlay gives the shipped manifests addresses of this machine and the CA of the site's Okta, and nothing else.
func overlay(s *testsite.Site, manifests []manifest, port int, image, digest string) error {
	endpoint := func(hostPort string) []any {
		host, port, _ := net.SplitHostPort(hostPort)
		number, _ := strconv.Atoi(port)
		return []any{map[string]any{"ip": map[string]any{"address": host, "port": number}}}
	}
	provider := map[string]any{"type": "Host", "host": map[string]any{"envoyVersion": envoyrun.Version}}
	oktaTLS := map[string]any{"sni": testsite.OktaHost, "caCertificateRefs": []any{map[string]any{"group": "", "kind": "ConfigMap", "name": "backend-ca"}}}
	return errors.Join(
		add(manifests, "EnvoyProxy", "sallyport", provider, "provider", "spec"),
		add(manifests, "Gateway", "sallyport", port, "port", "spec", "listeners", 0),
		add(manifests, "Backend", "backend", endpoint(s.Backend), "endpoints", "spec"),
		add(manifests, "Backend", "okta", endpoint(s.Okta), "endpoints", "spec"),
		add(manifests, "Backend", "okta", oktaTLS, "tls", "spec"),
		add(manifests, "EnvoyExtensionPolicy", "sallyport", image, "url", "spec", "wasm", 0, "code", "image"),
		add(manifests, "EnvoyExtensionPolicy", "sallyport", digest, "sha256", "spec", "wasm", 0, "code", "image"),
		add(manifests, "EnvoyExtensionPolicy", "sallyport", s.Digest(), "sha256", "spec", "wasm", 0, "config", "apps", 0, "keys", 0),
	)
}

// standalone is what a cluster would have: secrets, the CA, and addresses of this machine for what Envoy Gateway itself serves,
// which without a patch are those of a cluster.
func (e *edge) standalone(s *testsite.Site) []manifest {
	e.t.Helper()
	client, err := s.CA.Client(testsite.GatewaySAN)
	if err != nil {
		e.t.Fatal(err)
	}
	server, err := s.CA.Server(testsite.APIHost)
	if err != nil {
		e.t.Fatal(err)
	}
	certs := filepath.Join(e.dir, "home", "certs", "envoy")
	context := "/transport_socket/typed_config/common_tls_context"
	patch := func(kind, name string, operations ...any) map[string]any {
		var all []any
		for _, o := range operations {
			all = append(all, map[string]any{"type": kind, "name": name, "operation": o})
		}
		return map[string]any{"patches": all}
	}
	file := func(name string) any { return map[string]any{"filename": filepath.Join(certs, name)} }
	const cluster = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
	const listener = "type.googleapis.com/envoy.config.listener.v3.Listener"
	spec := map[string]any{
		"targetRef": map[string]any{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "sallyport"}, "type": "JSONPatch",
		"jsonPatches": append(
			patch(cluster, "wasm_cluster",
				op("replace", "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address/address", "127.0.0.1"),
				op("replace", context+"/validation_context/trusted_ca/filename", filepath.Join(certs, "ca.crt")),
				op("remove", context+"/tls_certificate_sds_secret_configs", nil),
				op("add", context+"/tls_certificates", []any{map[string]any{"certificate_chain": file("tls.crt"), "private_key": file("tls.key")}}),
			)["patches"].([]any),
			patch(listener, "default/sallyport/https", op("replace", "/address/socket_address/address", "127.0.0.1"))["patches"].([]any)...),
	}
	return []manifest{
		secret("backend-client", client), secret("sallyport-gateway", server),
		{"ConfigMap", "backend-ca", object("v1", "ConfigMap", "backend-ca", "data", map[string]any{"ca.crt": string(s.CA.CertPEM())})},
		{"EnvoyPatchPolicy", "standalone", object("gateway.envoyproxy.io/v1alpha1", "EnvoyPatchPolicy", "standalone", "spec", spec)},
	}
}

func op(kind, path string, value any) map[string]any {
	o := map[string]any{"op": kind, "path": path}
	if value != nil {
		o["value"] = value
	}
	return o
}

func object(version, kind, name, member string, value any) map[string]any {
	return map[string]any{"apiVersion": version, "kind": kind, "metadata": map[string]any{"name": name, "namespace": "default"}, member: value}
}

func secret(name string, cert *pki.Cert) manifest {
	root := object("v1", "Secret", name, "data", map[string]any{
		"tls.crt": base64.StdEncoding.EncodeToString(cert.CertPEM), "tls.key": base64.StdEncoding.EncodeToString(cert.KeyPEM),
	})
	root["type"] = "kubernetes.io/tls"
	return manifest{"Secret", name, root}
}
