package e2e

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
	"github.com/sallyport-gateway/sallyport/hostsim/pki"
)

// gatewayName is the name in the gateway's client certificate that the shipped sidecar demands.
const gatewayName = "spiffe://example.com/gateway"

// sidecar is the backend's Envoy of backend-sidecar.yaml, with an application behind it.
type sidecar struct {
	process *envoyrun.Process
	address string
	ca      *pki.CA
	served  chan *http.Request // by the application
}

func startSidecar(t *testing.T, ca *pki.CA) *sidecar {
	t.Helper()
	s := &sidecar{ca: ca, served: make(chan *http.Request, 1024)}
	application := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.served <- r
		_, _ = io.WriteString(w, "orders")
	}))
	t.Cleanup(application.Close)
	dir := t.TempDir()
	if err := pki.WriteDir(dir, ca, map[string]*pki.Cert{"backend": issued(t)(ca.Server(backend))}); err != nil {
		t.Fatal(err)
	}

	doc := envoyconfig.Sidecar()
	listener := envoyconfig.Path{"static_resources", "listeners", 0}
	common := listener.Then("filter_chains", 0, "transport_socket", "typed_config", "common_tls_context")
	doc.Set(loopback, envoyconfig.Path{"admin", "address"})
	doc.Set(loopback, listener.Then("address"))
	doc.Set(filepath.Join(dir, "backend.pem"), common.Then("tls_certificates", 0, "certificate_chain", "filename"))
	doc.Set(filepath.Join(dir, "backend-key.pem"), common.Then("tls_certificates", 0, "private_key", "filename"))
	doc.Set(filepath.Join(dir, "ca.pem"), common.Then("validation_context", "trusted_ca", "filename"))
	policy := listener.Then("filter_chains", 0, "filters", 0, "typed_config", "rules", "policies", "gateways", "principals", 0, "direct_remote_ip")
	doc.Set(map[string]any{"address_prefix": "127.0.0.1", "prefix_len": 32}, policy)
	endpoint := envoyconfig.Path{"static_resources", "clusters", 0, "load_assignment", "endpoints", 0, "lb_endpoints", 0, "endpoint", "address"}
	address, err := envoyconfig.Address(application.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	doc.Set(address, endpoint)
	config, err := doc.JSON()
	if err != nil {
		t.Fatal(err)
	}
	s.process = envoytest.Start(t, withEnvoy(t, envoyrun.Options{Config: config}))
	if s.address, err = s.process.Listener(t.Context(), "backend"); err != nil {
		t.Fatal(err)
	}
	return s
}

// refusals are the sidecar's counters of connections that it did not let in.
var refusals = map[string]string{
	"no certificate":     `^listener\..*\.ssl\.fail_verify_no_cert$`,
	"not verified":       `^listener\..*\.ssl\.fail_verify_error$`,
	"another name":       `^listener\..*\.ssl\.fail_verify_san$`,
	"address not listed": `^allowed\.rbac\.denied$`,
}

func (s *sidecar) refused(t *testing.T, cause string) (sum uint64) {
	t.Helper()
	stats, err := s.process.Stats(t.Context(), refusals[cause])
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range stats.Number {
		sum += n
	}
	return sum
}

// ask sends a request straight to the backend's sidecar, from an address of this machine.
func (s *sidecar) ask(t *testing.T, from string, certificates ...tls.Certificate) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, s.address)
		},
		TLSClientConfig: &tls.Config{RootCAs: s.ca.Pool(), ServerName: backend},
	}
	if len(certificates) > 0 { // sent whatever authority the server asks for
		transport.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certificates[0], nil }
	}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+backend+"/orders/7", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// TestEnvoyTLSBackend: the backend is reached by who shows the gateway's certificate and comes from a listed address, and
// by nobody else. Who is refused is refused for that cause, by the sidecar's own count, and the application sees nothing.
func TestEnvoyTLSBackend(t *testing.T) {
	t.Parallel()
	ca, stranger := newCA(t, "gateways"), newCA(t, "stranger")
	s := startSidecar(t, ca)
	certificate := func(c *pki.Cert, err error) []tls.Certificate {
		return []tls.Certificate{keyPair(t, issued(t)(c, err))}
	}
	good := certificate(ca.Client(gatewayName))
	for _, tt := range []struct {
		name, from   string
		certificates []tls.Certificate
		cause        string // "" for admitted
	}{
		{"the gateway", "127.0.0.1", good, ""},
		{"without a certificate", "127.0.0.1", nil, "no certificate"},
		{"a certificate of another authority", "127.0.0.1", certificate(stranger.Client(gatewayName)), "not verified"},
		{"an expired certificate", "127.0.0.1", certificate(ca.ExpiredClient(gatewayName)), "not verified"},
		{"a server's certificate", "127.0.0.1", certificate(ca.Server(backend)), "not verified"},
		{"a certificate with another name", "127.0.0.1", certificate(ca.Client("spiffe://example.com/batch")), "another name"},
		{"a certificate with no name", "127.0.0.1", certificate(ca.Client()), "another name"},
		{"the gateway's certificate from another address", "127.0.0.2", good, "address not listed"},
		{"the gateway again", "127.0.0.1", good, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := map[string]uint64{}
			for cause := range refusals {
				before[cause] = s.refused(t, cause)
			}
			err := s.ask(t, tt.from, tt.certificates...)
			if (err == nil) != (tt.cause == "") || len(s.served) > 0 != (tt.cause == "") {
				t.Fatalf("%v; the application saw %d requests", err, len(s.served))
			}
			if tt.cause == "" {
				<-s.served
			}
			if tt.cause != "" { // the client may learn of it before it is counted
				waitFor(t, s.process, func() bool { return s.refused(t, tt.cause) > before[tt.cause] })
			}
			for cause := range refusals {
				want := before[cause]
				if cause == tt.cause {
					want++
				}
				if got := s.refused(t, cause); got != want {
					t.Errorf("refused for %q: %d, want %d", cause, got, want)
				}
			}
		})
	}
}

// TestEnvoyTLSThroughBoth: the gateway of envoy.yaml reaches the backend through the sidecar of backend-sidecar.yaml.
func TestEnvoyTLSThroughBoth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := startSidecar(t, w.ca)
	w.deployment.Backend.Address = s.address
	p := envoytest.Start(t, withEnvoy(t, w.options(t)))
	status, reason, body := get(t, w.client(t, p), order, nil)
	if status != http.StatusOK || body != "orders" {
		t.Fatalf("status %d, reason %q, body %q", status, reason, body)
	}
	if r := <-s.served; r.Header.Get("x-sallyport-app") != "global-customer-portal" || r.Header.Get("x-api-key") != "" {
		t.Errorf("the application saw %v", r.Header)
	}
}
