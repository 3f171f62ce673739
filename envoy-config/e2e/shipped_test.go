package e2e

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
)

const order = "/customers/v1/orders/7?page=2&apikey=in-the-query"

// overrides are headers by which some servers take another path or method than that of the request.
var overrides = []string{"X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"}

func TestShippedConfigAdmits(t *testing.T) {
	t.Parallel()
	wantShippedAdmits(t, envoytest.Find(t))
}

// wantShippedAdmits runs the shipped envoy.yaml on an Envoy.
func wantShippedAdmits(t *testing.T, binary string) {
	t.Helper()
	w := newWorld(t)
	o := w.options(t)
	o.Binary = binary
	p := envoytest.Start(t, o)
	client := w.client(t, p)

	status, reason, body := get(t, client, order, func(r *http.Request) {
		r.Header.Set("x-forwarded-for", "203.0.113.9")
		r.Header.Set("x-sallyport-subject", "forged")
		r.Header.Set("x-envoy-original-path", "/forged")
		for _, name := range overrides {
			r.Header.Set(name, "/forged")
		}
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
	for _, name := range overrides {
		if got := got.Header.Get(name); got != "" {
			t.Errorf("the backend saw %s %q", name, got)
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
	o.Binary = envoytest.Find(t)
	return o
}

func TestShippedConfigTrustsNobodyElse(t *testing.T) {
	t.Parallel()
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
			p := envoytest.Start(t, withEnvoy(t, w.options(t)))
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
	t.Parallel()
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
