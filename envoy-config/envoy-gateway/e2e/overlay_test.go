package e2e

import (
	"encoding/base64"
	"errors"
	"net"
	"path/filepath"
	"strconv"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/envoy-config/internal/meshtest"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/pki"
)

// overlay gives the shipped manifests addresses of this machine and the CA of the site's Okta, and nothing else.
func overlay(s *meshtest.Site, manifests []envoyconfig.Manifest, port int, image, digest string) error {
	endpoint := func(hostPort string) []any {
		host, port, _ := net.SplitHostPort(hostPort)
		number, _ := strconv.Atoi(port)
		return []any{map[string]any{"ip": map[string]any{"address": host, "port": number}}}
	}
	provider := map[string]any{"type": "Host", "host": map[string]any{"envoyVersion": envoyrun.Version}}
	oktaTLS := map[string]any{"sni": meshtest.OktaHost, "caCertificateRefs": []any{map[string]any{"group": "", "kind": "ConfigMap", "name": "backend-ca"}}}
	return errors.Join(
		meshtest.Change(manifests, "EnvoyProxy", "sallyport", provider, "spec", "provider"),
		meshtest.Change(manifests, "Gateway", "sallyport", port, "spec", "listeners", 0, "port"),
		meshtest.Change(manifests, "Backend", "backend", endpoint(s.Backend), "spec", "endpoints"),
		meshtest.Change(manifests, "Backend", "okta", endpoint(s.Okta), "spec", "endpoints"),
		meshtest.Change(manifests, "Backend", "okta", oktaTLS, "spec", "tls"),
		meshtest.Change(manifests, "EnvoyExtensionPolicy", "sallyport", image, "spec", "wasm", 0, "code", "image", "url"),
		meshtest.Change(manifests, "EnvoyExtensionPolicy", "sallyport", digest, "spec", "wasm", 0, "code", "image", "sha256"),
		meshtest.Change(manifests, "EnvoyExtensionPolicy", "sallyport", s.Digest(), "spec", "wasm", 0, "config", "apps", 0, "keys", 0, "sha256"),
	)
}

// standalone is what a cluster would have: secrets, the CA, and addresses of this machine for what Envoy Gateway itself serves,
// which without a patch are those of a cluster.
func (e *edge) standalone(s *meshtest.Site) []envoyconfig.Manifest {
	e.t.Helper()
	client, err := s.CA.Client(meshtest.GatewaySAN)
	if err != nil {
		e.t.Fatal(err)
	}
	server, err := s.CA.Server(meshtest.APIHost)
	if err != nil {
		e.t.Fatal(err)
	}
	certs := filepath.Join(e.dir, "home", "certs", "envoy")
	context := "/transport_socket/typed_config/common_tls_context"
	patch := func(kind, name string, operations ...any) (all []any) {
		for _, o := range operations {
			all = append(all, map[string]any{"type": kind, "name": name, "operation": o})
		}
		return all
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
			),
			patch(listener, "default/sallyport/https", op("replace", "/address/socket_address/address", "127.0.0.1"))...),
	}
	return []envoyconfig.Manifest{
		secret("backend-client", client), secret("sallyport-gateway", server),
		envoyconfig.NewManifest(object("v1", "ConfigMap", "backend-ca", "data", map[string]any{"ca.crt": string(s.CA.CertPEM())})),
		envoyconfig.NewManifest(object("gateway.envoyproxy.io/v1alpha1", "EnvoyPatchPolicy", "standalone", "spec", spec)),
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

func secret(name string, cert *pki.Cert) envoyconfig.Manifest {
	root := object("v1", "Secret", name, "data", map[string]any{
		"tls.crt": base64.StdEncoding.EncodeToString(cert.CertPEM), "tls.key": base64.StdEncoding.EncodeToString(cert.KeyPEM),
	})
	root["type"] = "kubernetes.io/tls"
	return envoyconfig.NewManifest(root)
}
