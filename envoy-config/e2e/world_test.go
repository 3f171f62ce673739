package e2e

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/pki"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

const (
	testKey    = "shipped-test-key"
	testToken  = "shipped-test-token"
	testSecret = "shipped-test-secret"
	apiHost    = "api.example.com"
	oktaHost   = "dev-123456.okta.com"
	backend    = "backend.example.internal"
)

// world is everything around one gateway: two authorities, Okta, a backend that demands a client certificate.
type world struct {
	ca, stranger *pki.CA
	dir          string
	deployment   envoyconfig.Deployment
	seen         chan *http.Request // by the backend
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), seen: make(chan *http.Request, 16)}
	w.ca, w.stranger = newCA(t, "test CA"), newCA(t, "stranger")
	certificate := issued(t)
	certs := map[string]*pki.Cert{
		"gateway": certificate(w.ca.Server(apiHost)),
		"client":  certificate(w.ca.Client(gatewayName)),
	}
	okta := w.serve(t, certificate(w.ca.Server("*.okta.com")), false, introspect)
	api := w.serve(t, certificate(w.ca.Server(backend)), true, func(rw http.ResponseWriter, r *http.Request) {
		w.seen <- r
		_, _ = io.WriteString(rw, "orders")
	})
	for dir, ca := range map[string]*pki.CA{"good": w.ca, "stranger": w.stranger} {
		if err := pki.WriteDir(filepath.Join(w.dir, dir), ca, certs); err != nil {
			t.Fatal(err)
		}
	}
	w.deployment = envoyconfig.Deployment{
		Listen: "127.0.0.1:0", Admin: "127.0.0.1:0",
		Module: wasmbuild.Package(t, "./filter"), PluginConfig: pluginConfig(t),
		Secrets: w.dir, Watched: w.dir, Certificate: w.file("gateway.pem"), Key: w.file("gateway-key.pem"),
		Okta: envoyconfig.Upstream{Address: okta, CA: w.file("ca.pem")},
		Backend: envoyconfig.Upstream{Address: api, CA: w.file("ca.pem"),
			Certificate: w.file("client.pem"), Key: w.file("client-key.pem")},
	}
	return w
}

func newCA(t *testing.T, name string) *pki.CA {
	t.Helper()
	ca, err := pki.NewCA(name, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// issued gives the certificate that an authority has made, as in issued(t)(ca.Server("a")).
func issued(t *testing.T) func(*pki.Cert, error) *pki.Cert {
	return func(c *pki.Cert, err error) *pki.Cert {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return c
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

func (w *world) file(name string) string { return filepath.Join(w.dir, "good", name) }

// strangersCA is a certificate file of an authority that signed nothing here.
func (w *world) strangersCA() string { return filepath.Join(w.dir, "stranger", "ca.pem") }

func (w *world) serve(t *testing.T, c *pki.Cert, mutual bool, handler http.HandlerFunc) (address string) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are wanted
	server.TLS = &tls.Config{Certificates: []tls.Certificate{keyPair(t, c)}, MinVersion: tls.VersionTLS12}
	if mutual {
		server.TLS.ClientAuth, server.TLS.ClientCAs = tls.RequireAndVerifyClientCert, w.ca.Pool()
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// introspect is Okta for one token, asked with the shipped client id and the secret from the environment.
func introspect(rw http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	answer := map[string]any{"active": false}
	if id != "0oa1gateway" || secret != testSecret {
		rw.WriteHeader(http.StatusUnauthorized)
	} else if r.FormValue("token") == testToken {
		answer = map[string]any{
			"active": true, "token_type": "Bearer", "client_id": "0oa1portal", "sub": "jane@example.com",
			"scope": "customers.read", "aud": "api://default", "iss": "https://" + oktaHost + "/oauth2/default",
			"exp": time.Now().Add(time.Hour).Unix(),
		}
	}
	rw.Header().Set("content-type", "application/json")
	_ = json.NewEncoder(rw).Encode(answer)
}

// pluginConfig is the shipped one with a key that the test has.
func pluginConfig(t *testing.T) []byte {
	t.Helper()
	doc := envoyconfig.Parse()
	text, _ := doc.Get(envoyconfig.Wasm().Then("configuration", "value")).(string)
	var config struct {
		Apps []struct {
			Keys []map[string]any `json:"keys"`
		} `json:"apps"`
	}
	whole := map[string]any{}
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		t.Fatalf("decode the shipped filter configuration: %v", err)
	}
	if err := json.Unmarshal([]byte(text), &whole); err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte(testKey))
	config.Apps[0].Keys[0]["sha256"] = hex.EncodeToString(digest[:])
	whole["apps"].([]any)[0].(map[string]any)["keys"] = config.Apps[0].Keys
	out, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// options are those of an Envoy for the deployment.
func (w *world) options(t *testing.T) envoyrun.Options {
	t.Helper()
	if err := w.deployment.WriteSecrets(); err != nil {
		t.Fatal(err)
	}
	config, err := w.deployment.Bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	return envoyrun.Options{Config: config, Env: []string{"OKTA_CLIENT_SECRET=" + testSecret}}
}

// client speaks to the gateway whatever host a URL names.
func (w *world) client(t *testing.T, p *envoyrun.Process) *http.Client {
	t.Helper()
	gateway, err := p.Listener(t.Context(), "gateway")
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{RootCAs: w.ca.Pool(), MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, gateway)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// ask sends a request with this key and token, "" for none, to the gateway that the client speaks to. It may be called
// in any goroutine.
func ask(ctx context.Context, c *http.Client, target, key, token string) (status int, reason string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+apiHost+target, nil)
	if err != nil {
		return 0, "", err
	}
	if key != "" {
		req.Header.Set("x-api-key", key)
	}
	if token != "" {
		req.Header.Set("authorization", "Bearer "+token)
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Header.Get("x-sallyport-reason"), err
}

// get sends a request with a good key and token, but for what change changes.
func get(t *testing.T, c *http.Client, target string, change func(*http.Request)) (status int, reason, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+apiHost+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-api-key", testKey)
	req.Header.Set("authorization", "Bearer "+testToken)
	if change != nil {
		change(req)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("x-sallyport-reason"), string(text)
}
