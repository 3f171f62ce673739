package e2e

import (
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/sallyport-gateway/sallyport/envoy-config/internal/meshtest"
	"github.com/sallyport-gateway/sallyport/hostsim/pki"
)

const namespace = "istio-system"

// secretsOf are the objects that `kubectl create secret` makes.
func secretsOf(t *testing.T, s *meshtest.Site) string {
	t.Helper()
	client, err := s.CA.Client(meshtest.GatewaySAN)
	if err != nil {
		t.Fatal(err)
	}
	edge, err := s.CA.Server(meshtest.APIHost)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.StdEncoding.EncodeToString
	secret := func(name string, cert *pki.Cert) string {
		return fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: %s, namespace: %s}\ndata:\n  tls.crt: %s\n  tls.key: %s\n  ca.crt: %s\n",
			name, namespace, encode(cert.CertPEM), encode(cert.KeyPEM), encode(s.CA.CertPEM()))
	}
	return secret("backend-client", client) + "---\n" + secret("sallyport-gateway", edge)
}
