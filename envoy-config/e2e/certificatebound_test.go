package e2e

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"net"
	"net/http"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// TestCertificateBound: a token that is bound to a certificate passes on a connection with that certificate, as Envoy
// saw it, and on no other (RFC 8705 section 3). Envoy need not trust who issued it: the handshake proves the key.
func TestCertificateBound(t *testing.T) {
	t.Parallel()
	ca, certificate := newCA(t, "clients"), issued(t)
	server := certificate(ca.Server(apiHost))
	portal, other := keyPair(t, certificate(ca.Client("portal.example.com"))), keyPair(t, certificate(ca.Client("other.example.com")))
	sum := sha256.Sum256(portal.Certificate[0])
	bound := boundPrefix + base64.RawURLEncoding.EncodeToString(sum[:])

	s := newSite(t, siteOptions{Module: wasmbuild.Package(t, "./filter"), Shared: true})
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
			transport := &http.Transport{
				TLSClientConfig: &tls.Config{RootCAs: ca.Pool(), Certificates: tt.certificate},
				DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
					return new(net.Dialer).DialContext(ctx, network, address)
				},
			}
			defer transport.CloseIdleConnections()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			status, reason, err := ask(ctx, &http.Client{Transport: transport}, "/customers/v1/orders/7", siteKey, tt.token)
			if got := (outcome{status, reason}); err != nil || got != tt.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
	if n := s.authority.asked(bound); n != 1 {
		t.Errorf("asked %d times about the bound token, want 1", n)
	}
}
