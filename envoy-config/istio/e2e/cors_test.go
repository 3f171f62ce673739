package e2e

import (
	"crypto/tls"
	"net/http"
	"testing"

	"github.com/sallyport-gateway/sallyport/envoy-config/internal/meshtest"
)

// TestCORSOnIstio: with the shipped overlay a preflight is answered and reaches nobody, and a page of the allowed origin reads
// refusals as well as answers. Another page reads neither.
func TestCORSOnIstio(t *testing.T) {
	all, err := build("../overlays/cors")
	if err != nil {
		t.Fatal(err)
	}
	w := meshtest.New(t)
	e := startEdge(t, w, all, "file://"+meshtest.Module(t), "")
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.CA.Pool(), ServerName: meshtest.APIHost, MinVersion: tls.VersionTLS12}}}
	defer client.CloseIdleConnections()
	ask := func(method, origin string, headers ...string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "https://"+e.address+meshtest.Order, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = meshtest.APIHost
		r.Header.Set("origin", origin)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		got, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = got.Body.Close()
		return got
	}
	const ours, other = "https://app.example.com", "https://evil.example"
	asks := []string{"access-control-request-method", "GET", "access-control-request-headers", "x-api-key"}
	good := w.Good(t)
	e.client.Want(t, "a good request", "200", meshtest.Order, good...)
	before := w.Requests()
	for _, tt := range []struct {
		name, method, origin string
		headers              []string
		status               int
		allowed, reason      string
	}{
		{"a preflight", http.MethodOptions, ours, asks, 200, ours, ""},
		{"a preflight of another origin", http.MethodOptions, other, asks, 403, "", "cors.origin_refused"},
		{"OPTIONS that is none", http.MethodOptions, ours, nil, 401, ours, "api_key.missing"},
		{"no key", http.MethodGet, ours, nil, 401, ours, "api_key.missing"},
		{"no key, another origin", http.MethodGet, other, nil, 401, "", "api_key.missing"},
	} {
		got := ask(tt.method, tt.origin, tt.headers...)
		h := got.Header
		if got.StatusCode != tt.status || h.Get("access-control-allow-origin") != tt.allowed || h.Get("x-sallyport-reason") != tt.reason {
			t.Errorf("%s: %d %s, allowed %q", tt.name, got.StatusCode, h.Get("x-sallyport-reason"), h.Get("access-control-allow-origin"))
		}
		if n := len(h.Values("access-control-allow-origin")); n > 1 {
			t.Errorf("%s: %d lines allow an origin", tt.name, n)
		}
	}
	if n := w.Requests() - before; n != 0 {
		t.Errorf("the backend saw %d of them", n)
	}
	if got := ask(http.MethodGet, ours, good...); got.StatusCode != 200 || got.Header.Get("access-control-allow-origin") != ours {
		t.Errorf("a good request: %d, allowed %q", got.StatusCode, got.Header.Get("access-control-allow-origin"))
	}
}
