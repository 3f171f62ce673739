package e2e

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/envoy-config/envoyrun"
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
	certificate := func(c *pki.Cert, err error) *pki.Cert {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	certs := map[string]*pki.Cert{
		"gateway": certificate(w.ca.Server(apiHost)),
		"client":  certificate(w.ca.Client("spiffe://example.com/gateway")),
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
		Module: wasmbuild.Filter(t), PluginConfig: pluginConfig(t),
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

func (w *world) file(name string) string { return filepath.Join(w.dir, "good", name) }

// strangersCA is a certificate file of an authority that signed nothing here.
func (w *world) strangersCA() string { return filepath.Join(w.dir, "stranger", "ca.pem") }

func (w *world) serve(t *testing.T, c *pki.Cert, mutual bool, handler http.HandlerFunc) (address string) {
	t.Helper()
	certificate, err := c.TLS()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are wanted
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
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

const order = "/customers/v1/orders/7?page=2&apikey=in-the-query"

func TestShippedConfigAdmits(t *testing.T) {
	w := newWorld(t)
	p := envoyrun.StartForTest(t, withEnvoy(t, w.options(t)))
	client := w.client(t, p)

	status, reason, body := get(t, client, order, func(r *http.Request) {
		r.Header.Set("x-forwarded-for", "203.0.113.9")
		r.Header.Set("x-sallyport-subject", "forged")
		r.Header.Set("x-envoy-original-path", "/forged")
	})
	if status != http.StatusOK || body != "orders" {
		t.Fatalf("status %d (%s), body %q, want the backend's answer", status, reason, body)
	}
	got := <-w.seen
	if len(got.TLS.PeerCertificates) == 0 || got.TLS.PeerCertificates[0].URIs[0].String() != "spiffe://example.com/gateway" {
		t.Error("the backend did not see the gateway's client certificate")
	}
	for name, want := range map[string]string{
		"X-Api-Key":             "",
		"X-Envoy-Original-Path": "",
		"X-Sallyport-Subject":   "jane@example.com",
		"X-Sallyport-App":       "global-customer-portal",
	} {
		if got := strings.Join(got.Header.Values(name), ","); got != want {
			t.Errorf("the backend saw %s %q, want %q", name, got, want)
		}
	}
	t.Run("nobody is internal", func(t *testing.T) { // without x-forwarded-for, a private address would be
		status, reason, _ := get(t, client, order, func(r *http.Request) {
			r.Header.Set("x-envoy-original-path", "/forged")
			r.Header.Set("x-envoy-upstream-rq-timeout-ms", "1")
		})
		if status != http.StatusOK {
			t.Fatalf("status %d (%s), want 200", status, reason)
		}
		seen := <-w.seen
		for _, name := range []string{"X-Envoy-Internal", "X-Envoy-Original-Path", "X-Envoy-Upstream-Rq-Timeout-Ms"} {
			if got := seen.Header.Get(name); got != "" {
				t.Errorf("the backend saw %s %q", name, got)
			}
		}
	})
	t.Run("access log", func(t *testing.T) { wantAccessLog(t, p) })
	t.Run("secrets", func(t *testing.T) { wantNoSecrets(t, p) })
	t.Run("metrics", func(t *testing.T) {
		if status, reason, _ := get(t, client, order, func(r *http.Request) { r.Header.Del("x-api-key") }); status != http.StatusUnauthorized {
			t.Fatalf("without a key: status %d (%s), want 401", status, reason)
		}
		wantLabels(t, p, "sallyport_decisions", map[string]string{"decision": "deny", "reason": "api_key.missing"})
	})
	t.Run("paths and headers", func(t *testing.T) { wantHardened(t, w, client) })
}

// wantAccessLog checks the line of the first request.
func wantAccessLog(t *testing.T, p *envoyrun.Process) {
	t.Helper()
	line, err := p.Output().Wait(t.Context(), 0, func(envoyrun.Line) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	var entry map[string]any
	if err := json.Unmarshal([]byte(line.Text), &entry); err != nil {
		t.Fatalf("access log line is no JSON: %v\n%s", err, line.Text)
	}
	for member, want := range map[string]any{
		"client": "127.0.0.1", // not what x-forwarded-for said
		"path":   "/customers/v1/orders/7",
		"status": 200.0, "method": "GET", "authority": apiHost, "upstream": "backend",
	} {
		if entry[member] != want {
			t.Errorf("%s is %v, want %v", member, entry[member], want)
		}
	}
}

// wantNoSecrets looks for them wherever an operator may look.
func wantNoSecrets(t *testing.T, p *envoyrun.Process) {
	t.Helper()
	if err := p.Log().Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	places := map[string]string{
		"the log":        fmt.Sprint(p.Log().Since(0)),
		"the access log": fmt.Sprint(p.Output().Since(0)),
	}
	for _, page := range []string{"/config_dump", "/stats", "/server_info"} {
		body, err := p.Get(t.Context(), page)
		if err != nil {
			t.Fatal(err)
		}
		places[page] = string(body)
	}
	for place, text := range places {
		if text == "" || text == "[]" {
			t.Errorf("%s is empty", place)
		}
		for _, secret := range []string{testKey, testToken, testSecret, "in-the-query"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %s", place, secret)
			}
		}
	}
}

// wantLabels waits for a metric with just these labels: the log phase comes after the response.
func wantLabels(t *testing.T, p *envoyrun.Process, family string, want map[string]string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var seen []map[string]string
	err := p.Poll(ctx, func() (bool, error) {
		families, err := p.Prometheus(ctx)
		seen = nil
		for _, m := range families[family].GetMetric() {
			labels := map[string]string{}
			for _, pair := range m.GetLabel() {
				labels[pair.GetName()] = pair.GetValue()
			}
			if maps.Equal(labels, want) {
				return true, nil
			}
			seen = append(seen, labels)
		}
		return false, err
	})
	if err != nil {
		t.Errorf("%s has %v, want one with %v: %v", family, seen, want, err)
	}
}

// wantHardened checks what the connection manager refuses before the filter sees it.
func wantHardened(t *testing.T, w *world, client *http.Client) {
	t.Helper()
	for _, c := range []struct {
		name, target string
		change       func(*http.Request)
		want         int
	}{
		{name: "escaped slash", target: "/customers/v1/orders%2F7", want: http.StatusBadRequest},
		{name: "escaped backslash", target: "/customers/v1/orders%5c7", want: http.StatusBadRequest},
		{name: "dot segments out of the API", target: "/customers/v1/orders/../../../admin", want: http.StatusNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, reason, _ := get(t, client, c.target, c.change)
			if status != c.want {
				t.Errorf("status %d (%s), want %d", status, reason, c.want)
			}
			select {
			case r := <-w.seen:
				t.Errorf("the backend saw %s", r.URL)
			default:
			}
		})
	}
	t.Run("underscore in a header's name", func(t *testing.T) { wantNoUnderscores(t, w, client) })
	t.Run("double slash is merged for the backend too", func(t *testing.T) {
		if status, reason, _ := get(t, client, "/customers//v1/orders/./7", nil); status != http.StatusOK {
			t.Fatalf("status %d (%s), want 200", status, reason)
		}
		if r := <-w.seen; r.URL.Path != "/customers/v1/orders/7" {
			t.Errorf("the backend saw %s, want the path that the filter decided on", r.URL.Path)
		}
	})
}

// wantNoUnderscores: Envoy answers 400 over HTTP/1, and resets the stream over HTTP/2.
func wantNoUnderscores(t *testing.T, w *world, client *http.Client) {
	t.Helper()
	transport := client.Transport.(*http.Transport).Clone()
	transport.ForceAttemptHTTP2 = false
	transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
	transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	defer transport.CloseIdleConnections()
	underscore := func(r *http.Request) { r.Header["x_sallyport_app"] = []string{"forged"} }
	if status, _, _ := get(t, &http.Client{Transport: transport}, order, underscore); status != http.StatusBadRequest {
		t.Errorf("status %d over HTTP/1.1, want 400", status)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+apiHost+order, nil)
	if err != nil {
		t.Fatal(err)
	}
	underscore(req)
	resp, err := client.Do(req)
	if err == nil {
		_ = resp.Body.Close()
		t.Errorf("status %d over HTTP/2, want a reset", resp.StatusCode)
	}
	if len(w.seen) != 0 {
		t.Error("the backend saw the request")
	}
}

func withEnvoy(t *testing.T, o envoyrun.Options) envoyrun.Options {
	t.Helper()
	o.Binary = envoyrun.ForTest(t)
	return o
}

func TestShippedConfigTrustsNobodyElse(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*world, *envoyconfig.Deployment)
		reason string // of the filter; empty: Envoy's own 503
	}{
		{"Okta's certificate by another authority", func(w *world, d *envoyconfig.Deployment) { d.Okta.CA = w.strangersCA() }, "introspection.unreachable"},
		{"Okta's certificate for another name", func(_ *world, d *envoyconfig.Deployment) { d.Okta.ServerName = "okta.example.com" }, "introspection.unreachable"},
		{"backend's certificate by another authority", func(w *world, d *envoyconfig.Deployment) { d.Backend.CA = w.strangersCA() }, ""},
		{"backend's certificate for another name", func(_ *world, d *envoyconfig.Deployment) { d.Backend.ServerName = "other.example.internal" }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.change(w, &w.deployment)
			p := envoyrun.StartForTest(t, withEnvoy(t, w.options(t)))
			status, reason, _ := get(t, w.client(t, p), order, nil)
			if status != http.StatusServiceUnavailable || reason != c.reason {
				t.Errorf("status %d, reason %q, want 503 and %q", status, reason, c.reason)
			}
			if len(w.seen) != 0 {
				t.Error("the backend saw the request")
			}
		})
	}
}

func TestShippedConfigValidates(t *testing.T) {
	w := newWorld(t)
	lines, err := envoyrun.Validate(t.Context(), withEnvoy(t, w.options(t)))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if strings.Contains(strings.ToLower(l.Text), "deprecated") {
			t.Errorf("envoy will not take this for long: %s", l.Text)
		}
	}
	t.Run("as it is, but for files and addresses", func(t *testing.T) {
		w.deployment.PluginConfig = nil
		if _, err := envoyrun.Validate(t.Context(), withEnvoy(t, w.options(t))); err != nil {
			t.Error(err)
		}
	})
	t.Run("the filter's own problem is named", func(t *testing.T) {
		w.deployment.PluginConfig = []byte(strings.Replace(string(pluginConfig(t)), `"base_path"`, `"base_pth"`, 1))
		_, err := envoyrun.Validate(t.Context(), withEnvoy(t, w.options(t)))
		if err == nil || !strings.Contains(err.Error(), "base_pth") {
			t.Errorf("got %v, want a refusal that names base_pth", err)
		}
	})
	t.Run("a missing secret is named", func(t *testing.T) {
		w.deployment.PluginConfig = nil
		o := withEnvoy(t, w.options(t))
		o.Env = nil
		_, err := envoyrun.Validate(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), "OKTA_CLIENT_SECRET") {
			t.Errorf("got %v, want a refusal that names OKTA_CLIENT_SECRET", err)
		}
	})
}
