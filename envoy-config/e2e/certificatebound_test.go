package e2e

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/pki"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// TestCertificateBound: a token that is bound to a certificate passes on a connection with that certificate, as Envoy
// saw it, and on no other (RFC 8705 section 3). Envoy need not trust who issued it: the handshake proves the key.
func TestCertificateBound(t *testing.T) {
	ca, err := pki.NewCA("clients", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	must := func(c *pki.Cert, err error) *pki.Cert {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	server := must(ca.Server("api.example.com"))
	portal, other := keyPair(t, must(ca.Client("portal.example.com"))), keyPair(t, must(ca.Client("other.example.com")))
	sum := sha256.Sum256(portal.Certificate[0])
	bound := boundPrefix + base64.RawURLEncoding.EncodeToString(sum[:])

	s := newSite(t, Options{Module: wasmbuild.Filter(t)})
	s.serve(plan{name: "gw", config: policies(t, fullSequence), change: func(listener, _, _ map[string]any) {
		member(listener, "filter_chains", 0).(map[string]any)["transport_socket"] = map[string]any{
			"name": "envoy.transport_sockets.tls",
			"typed_config": map[string]any{
				"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
				"common_tls_context": map[string]any{
					"tls_certificates": []any{map[string]any{
						"certificate_chain": map[string]any{"inline_string": string(server.CertPEM)},
						"private_key":       map[string]any{"inline_string": string(server.KeyPEM)},
					}},
					"validation_context": map[string]any{
						"trusted_ca":               map[string]any{"inline_string": string(ca.CertPEM())},
						"trust_chain_verification": "ACCEPT_UNTRUSTED",
					},
				},
			},
		}
	}})
	address, err := s.envoy.Listener(t.Context(), "gw")
	if err != nil {
		t.Fatal(err)
	}
	mismatch := outcome{status: 401, reason: "token.certificate_mismatch"}
	for _, tt := range []struct {
		name        string
		certificate []tls.Certificate
		token       string
		want        outcome
	}{
		{"its certificate", []tls.Certificate{portal}, bound, admitted},
		{"another client's certificate", []tls.Certificate{other}, bound, mismatch},
		{"no certificate", nil, bound, mismatch},
		{"a token that is bound to none", nil, "plain", admitted},
		{"its certificate, answer cached", []tls.Certificate{portal}, bound, admitted},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := askTLS(t, address, ca.Pool(), tt.certificate, tt.token); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
	if n := s.authority.asked(bound); n != 1 {
		t.Errorf("asked %d times about the bound token, want 1", n)
	}
}

func keyPair(t *testing.T, c *pki.Cert) tls.Certificate {
	t.Helper()
	pair, err := c.TLS()
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// askTLS sends a request with a good key over a TLS connection of its own.
func askTLS(t *testing.T, address string, roots *x509.CertPool, certificates []tls.Certificate, token string) outcome {
	t.Helper()
	transport := &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: roots, ServerName: "api.example.com", Certificates: certificates},
	}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+"/customers/v1/orders/7", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "api.example.com"
	r.Header.Set("x-api-key", siteKey)
	r.Header.Set("authorization", "Bearer "+token)
	response, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return outcome{status: response.StatusCode, reason: response.Header.Get("x-sallyport-reason")}
}
