package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/command"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
	"github.com/sallyport-gateway/sallyport/hostsim/pki"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// What stands in testdata/apigee, at the root.
const (
	apigeeKey      = "sample-key-of-the-portal-0001"
	apigeeOtherKey = "sample-key-of-the-ledger-0001"
	apigeeSecret   = "not-the-real-secret"
	apigeeToken    = "token-of-jane"
)

// run is a command that must succeed.
func run(t *testing.T, args ...string) string {
	t.Helper()
	var out, problems bytes.Buffer
	if code := command.Main(args, strings.NewReader(""), &out, &problems); code != 0 {
		t.Fatalf("sallyport %s: exit code %d: %s%s", strings.Join(args, " "), code, &problems, &out)
	}
	return out.String()
}

// migration is the gateway that came of the sample bundle, with Okta and a
// backend that demands the gateway's certificate.
type migration struct {
	client  *http.Client
	seen    chan *http.Request // by the backend
	outage  atomic.Bool        // of Okta
	written string             // all that the import wrote
}

// migrate goes the way of docs/migrate-from-apigee.md.
func migrate(t *testing.T) *migration {
	m := &migration{seen: make(chan *http.Request, 256)}
	binary, dir := envoytest.Find(t), t.TempDir()
	ca, err := pki.NewCA("test CA", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	certificate := func(c *pki.Cert, err error) *pki.Cert {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	okta := serveTLS(t, ca, certificate(ca.Server("example.okta.com")), false, m.introspect)
	backend := serveTLS(t, ca, certificate(ca.Server("backend.example.internal")), true, func(w http.ResponseWriter, r *http.Request) {
		m.seen <- r
		_, _ = io.WriteString(w, "orders")
	})
	if err := pki.WriteDir(dir, ca, map[string]*pki.Cert{"gateway": certificate(ca.Server("api.example.com")), "client": certificate(ca.Client("spiffe://example.com/gateway"))}); err != nil {
		t.Fatal(err)
	}
	secrets(t, dir)

	out := filepath.Join(dir, "out")
	said := run(t, "import", "apigee", "../../../testdata/apigee/customers", "--products", "../../../testdata/apigee/apiproducts.json", "--apps", "../../../testdata/apigee/apps.json",
		"--developers", "../../../testdata/apigee/developers.json", "--environment", "prod", "--out", out)
	config := filepath.Join(out, "customers.yaml")
	run(t, "check", "--strict", config)
	manifest := run(t, "render", "--for", "envoy", "--file", config, "--backend", backend, "--backend-name", "backend.example.internal",
		"--backend-ca", filepath.Join(dir, "ca.pem"), "--system-ca", filepath.Join(dir, "ca.pem"), "--module", wasmbuild.Package(t, "./filter"), "--secrets", dir, "--listen", "127.0.0.1:0")
	m.written = said
	for _, name := range []string{"customers.yaml", "report.html", "report.json"} {
		text, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		m.written += string(text)
	}

	// The host of Okta is here, on another port.
	host, port, err := net.SplitHostPort(okta)
	if err != nil {
		t.Fatal(err)
	}
	const there = "address: example.okta.com\n                port_value: 443"
	if strings.Count(manifest, there) != 1 {
		t.Fatalf("the manifest has Okta's address %d times", strings.Count(manifest, there))
	}
	manifest = strings.Replace(manifest, there, "address: "+host+"\n                port_value: "+port, 1)
	manifest = strings.Replace(manifest, "port_value: 9901", "port_value: 0", 1)
	envoy := envoytest.Start(t, envoyrun.Options{Binary: binary, Config: []byte(manifest), Env: []string{"OKTA_INTROSPECT_CLIENT_SECRET=" + apigeeSecret}})
	gateway, err := envoy.Listener(t.Context(), "gateway")
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, gateway)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	m.client = &http.Client{Transport: transport}
	return m
}

// secrets writes the files that the manifest names.
func secrets(t *testing.T, dir string) {
	t.Helper()
	for name, pair := range map[string][2]string{"gateway.yaml": {"gateway.pem", "gateway-key.pem"}, "backend-client.yaml": {"client.pem", "client-key.pem"}} {
		resource := "resources:\n- \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret\n  name: " + strings.TrimSuffix(name, ".yaml") +
			"\n  tls_certificate:\n    certificate_chain: {filename: " + filepath.Join(dir, pair[0]) + "}\n    private_key: {filename: " + filepath.Join(dir, pair[1]) + "}\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(resource), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func serveTLS(t *testing.T, ca *pki.CA, c *pki.Cert, mutual bool, handler http.HandlerFunc) (address string) {
	t.Helper()
	pair, err := c.TLS()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if mutual {
		server.TLS.ClientAuth, server.TLS.ClientCAs = tls.RequireAndVerifyClientCert, ca.Pool()
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// introspect is Okta for one token; the client is the one of the bundle.
func (m *migration) introspect(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	switch {
	case m.outage.Load():
		w.WriteHeader(http.StatusInternalServerError)
		return
	case id != "0oagateway" || secret != apigeeSecret:
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	answer := map[string]any{"active": false}
	if r.FormValue("token") == apigeeToken {
		answer = map[string]any{"active": true, "token_type": "Bearer", "client_id": "0oa1", "sub": "jane@example.com", "iss": "https://example.okta.com/oauth2/default",
			"aud": "api://default", "exp": time.Now().Add(time.Hour).Unix()}
	}
	w.Header().Set("content-type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// call sends a request, with key and token as far as they are given.
func (m *migration) call(t *testing.T, path, key, token string) (status int, code string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("x-apikey", key)
	}
	if token != "" {
		req.Header.Set("authorization", "Bearer "+token)
	}
	resp, err := m.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body struct {
		Fault struct {
			Detail struct {
				ErrorCode string `json:"errorcode"`
			} `json:"detail"`
		} `json:"fault"`
	}
	if resp.StatusCode != http.StatusOK {
		if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
			t.Errorf("%d: the body is not Apigee's: %v", resp.StatusCode, err)
		}
	}
	return resp.StatusCode, body.Fault.Detail.ErrorCode
}

// TestApigeeImportOnEnvoy: from the bundle to a gateway that answers as Apigee
// documents it, by commands alone.
func TestApigeeImportOnEnvoy(t *testing.T) {
	m := migrate(t)
	for _, secret := range []string{apigeeSecret, apigeeKey, apigeeOtherKey, "sample-secret", "MG9hZ2F0ZXdheTpub3Q"} {
		if strings.Contains(m.written, secret) {
			t.Errorf("%s was written", secret)
		}
	}
	const order = "/customers/v1/orders/7"
	for _, tt := range []struct {
		name, path, key, token string
		status                 int
		code                   string
	}{
		{"a good request", order, apigeeKey, apigeeToken, 200, ""},
		{"no key", order, "", apigeeToken, 401, "steps.oauth.v2.FailedToResolveAPIKey"},
		{"an unknown key", order, "sample-key-of-nobody", apigeeToken, 401, "oauth.v2.InvalidApiKey"},
		{"a key for another resource", order, apigeeOtherKey, apigeeToken, 401, "oauth.v2.InvalidApiKeyForGivenResource"},
		{"a resource that no product grants", "/customers/v1/admin", apigeeKey, apigeeToken, 401, "oauth.v2.InvalidApiKeyForGivenResource"},
		{"no token", order, apigeeKey, "", 401, "keymanagement.service.invalid_access_token"},
		{"a token that is not active", order, apigeeKey, "token-of-nobody", 401, "keymanagement.service.invalid_access_token"},
		{"another base path", "/orders", apigeeKey, apigeeToken, 404, "messaging.adaptors.http.flow.ApplicationNotFound"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, code := m.call(t, tt.path, tt.key, tt.token)
			if status != tt.status || code != tt.code {
				t.Errorf("%d %q, want %d %q", status, code, tt.status, tt.code)
			}
			if tt.status != http.StatusOK {
				return
			}
			seen := <-m.seen
			if seen.Header.Get("x-apikey") != "" || len(seen.TLS.PeerCertificates) == 0 {
				t.Errorf("the backend saw the key %q and %d certificates", seen.Header.Get("x-apikey"), len(seen.TLS.PeerCertificates))
			}
		})
	}
	t.Run("the callout fails", func(t *testing.T) {
		m.outage.Store(true)
		defer m.outage.Store(false)
		if status, code := m.call(t, order, apigeeKey, "token-of-another"); status != http.StatusServiceUnavailable || code != "steps.servicecallout.ExecutionFailed" {
			t.Errorf("%d %q, want 503 and Apigee's code of a callout that fails", status, code)
		}
	})
	t.Run("over the rate", func(t *testing.T) {
		for range 100 {
			if status, code := m.call(t, order, apigeeKey, apigeeToken); status == http.StatusTooManyRequests {
				if code != "policies.ratelimit.SpikeArrestViolation" {
					t.Errorf("code %q", code)
				}
				return
			}
		}
		t.Error("100 requests at once are within 300 a minute")
	})
	if len(m.seen) == 0 {
		t.Error("the backend was never called")
	}
}
