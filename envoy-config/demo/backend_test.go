package demo_test

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/envoy-config/demo"
	"github.com/sallyport-gateway/sallyport/hostsim/pki"
)

const gatewaySAN = "spiffe://sallyport.test/gateway"

func newCA(t *testing.T, name string) *pki.CA {
	t.Helper()
	ca, err := pki.NewCA(name, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// pair turns the answer of a pki call into a certificate for crypto/tls.
func pair(t *testing.T) func(*pki.Cert, error) tls.Certificate {
	return func(c *pki.Cert, err error) tls.Certificate {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		cert, err := c.TLS()
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
}

// startBackend serves cfg over TLS and returns its base URL.
func startBackend(t *testing.T, cfg demo.BackendConfig) string {
	t.Helper()
	srv := httptest.NewUnstartedServer(cfg.Handler())
	srv.TLS = cfg.TLSConfig()
	srv.Config.ErrorLog = quiet
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestBackendServesTheGatewayAlone(t *testing.T) {
	ca, stranger := newCA(t, "ca"), newCA(t, "stranger")
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	elsewhere := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	good := pair(t)(ca.Client(gatewaySAN))
	for _, tc := range []struct {
		name    string
		client  *tls.Certificate
		sources []netip.Prefix
		status  int // 0: no connection
	}{
		{"the gateway", &good, loopback, 200},
		{"from a wrong address", &good, elsewhere, 403},
		{"no address allowed", &good, nil, 403},
		{"no certificate", nil, loopback, 0},
		{"wrong CA", new(pair(t)(stranger.Client(gatewaySAN))), loopback, 0},
		{"wrong SAN", new(pair(t)(ca.Client("spiffe://sallyport.test/other"))), loopback, 0},
		{"expired", new(pair(t)(ca.ExpiredClient(gatewaySAN))), loopback, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			base := startBackend(t, demo.BackendConfig{
				Certificate: pair(t)(ca.Server("127.0.0.1")), ClientCAs: ca.Pool(), ClientSAN: gatewaySAN, AllowedSources: tc.sources,
			})
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool()}}
			defer transport.CloseIdleConnections()
			if tc.client != nil {
				transport.TLSClientConfig.Certificates = []tls.Certificate{*tc.client}
			}
			resp, err := (&http.Client{Transport: transport}).Get(base + "/customers/v1/orders/7")
			status := 0
			if err == nil {
				resp.Body.Close()
				status = resp.StatusCode
			}
			if status != tc.status {
				t.Errorf("status %d (%v), want %d", status, err, tc.status)
			}
		})
	}
}

func TestBackendEchoesNoSecret(t *testing.T) {
	cfg := demo.BackendConfig{AllowedSources: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}}
	req := httptest.NewRequest(http.MethodPost, "/customers/v1/orders/7?apikey=s3cret&page=2", strings.NewReader("hello"))
	req.Header.Set("Authorization", "Bearer t0ken")
	req.Header.Set("X-Api-Key", "s3cret")
	req.Header.Set("X-Sallyport-App", "portal")
	rec := httptest.NewRecorder()
	cfg.Handler().ServeHTTP(rec, req)
	body := rec.Body.String()
	for _, secret := range []string{"s3cret", "t0ken"} {
		if strings.Contains(body, secret) {
			t.Errorf("the answer has %q: %s", secret, body)
		}
	}
	var got demo.Echo
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	want := demo.Echo{
		API: "customers", Version: "v1", Method: "POST", Path: "/customers/v1/orders/7", Query: []string{"apikey", "page"},
		Identity: map[string]string{"x-sallyport-app": "portal"}, CredentialsSeen: []string{"authorization", "x-api-key"},
		BodyBytes: 5, Order: map[string]any{"id": "7", "total": "42.00 EUR"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestBackendVersions(t *testing.T) {
	cfg := demo.BackendConfig{AllowedSources: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}}
	for path, want := range map[string]int{
		"/customers/v1/orders/7": 200, "/customers/v2/orders/7": 200, "/customers/v3/orders/7": 404, "/other": 404,
	} {
		rec := httptest.NewRecorder()
		cfg.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
		io.Copy(io.Discard, rec.Body)
		if rec.Code != want {
			t.Errorf("%s: %d, want %d", path, rec.Code, want)
		}
	}
}
