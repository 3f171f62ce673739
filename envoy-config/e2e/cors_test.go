package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// page serves an empty page of an origin of its own.
func page(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("content-type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>page</title>"))
	}))
	t.Cleanup(s.Close)
	return s
}

// browser is one tab of a real Chromium.
type browser struct {
	t   *testing.T
	tab context.Context
}

func newBrowser(t *testing.T) browser {
	t.Helper()
	binary, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v: make browser", err)
		}
		t.Skipf("%v: make browser", err)
	}
	allocator, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(binary), chromedp.NoSandbox)...)
	t.Cleanup(stop)
	tab, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(closeTab)
	if err := chromedp.Do(tab, chromedp.Navigate("about:blank")); err != nil { // the browser lives as long as this context
		t.Fatalf("start chromium: %v", err)
	}
	return browser{t, tab}
}

// opens goes to a page.
func (b browser) opens(url string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.tab, patience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		b.t.Fatalf("open %s: %v", url, err)
	}
}

// reads is what a page's script reads of a response: status, reason and whether there is a retry-after; "blocked" when the
// browser keeps it from the page.
func (b browser) reads(method, url, key string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.tab, patience)
	defer cancel()
	script := `fetch(` + quote(url) + `, {method: ` + quote(method) + `, headers: ` + quote(key) + ` ? {"x-api-key": ` + quote(key) + `} : {}})
		.then((r) => [r.status, r.headers.get("x-sallyport-reason") || "", r.headers.get("retry-after") ? "retry" : ""].join(" ").trim(), () => "blocked")`
	got, err := chromedp.Run(ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, url, err)
	}
	return got
}

func quote(s string) string { return `"` + s + `"` }

// TestCORSInChromium: a page of an allowed origin calls with a key, and reads refusals with their retry-after; another page
// reads nothing. The shipped order, with Envoy's cors filter first, and Istio's, with it behind the filter.
func TestCORSInChromium(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	s := newSite(t, siteOptions{Module: wasmbuild.Package(t, "./filter"), Shared: true})
	ours, other := page(t), page(t)
	s.backend.SetAnswer(scenario.DefaultUpstream())
	for _, order := range []struct {
		name     string
		corsLast bool
	}{{"gwcors", false}, {"gwcorsistio", true}} {
		t.Run(order.name, func(t *testing.T) {
			s, b := s.on(t), browser{t, b.tab}
			shipped := shippedRoutes(t, "cors.yaml", s.module)
			s.serve(plan{name: order.name, change: func(listener, manager, plugin map[string]any) {
				shipped(listener, manager, plugin)
				forPage(manager, ours.URL, order.name)
				if filters := manager["http_filters"].([]any); order.corsLast {
					manager["http_filters"] = []any{filters[1], filters[0], filters[2]}
				}
			}})
			address, err := s.envoy.Listener(t.Context(), order.name)
			if err != nil {
				t.Fatal(err)
			}
			url := "http://" + address + "/orders/1"
			s.backend.Take()
			b.opens(ours.URL)
			for _, call := range []struct{ what, method, key, want string }{
				{"without a key", "GET", "", "401 api_key.missing"},
				{"with a wrong key", "GET", "nobody's", "401 api_key.unknown"},
				{"with a key", "GET", siteKey, "200"},
				{"a method that is allowed", "PUT", siteKey, "200"},
				{"a method that is not", "DELETE", siteKey, "blocked"},
				{"the fifth", "GET", "", "401 api_key.missing"},
				{"over the rate", "GET", "", "429 spike_arrest.exceeded retry"},
			} {
				if got := b.reads(call.method, url, call.key); got != call.want {
					t.Errorf("%s: the page reads %q, want %q", call.what, got, call.want)
				}
			}
			b.opens(other.URL)
			for _, key := range []string{"", siteKey} {
				if got := b.reads("GET", url, key); got != "blocked" {
					t.Errorf("a page of another origin reads %q", got)
				}
			}
			s.quiet()
			var methods []string
			for _, r := range s.backend.Take() {
				methods = append(methods, r.Method)
				if scenario.HeaderValue(r.Headers, "x-api-key") != "" {
					t.Error("the backend has the key")
				}
			}
			if want := []string{"GET", "PUT"}; !slices.Equal(methods, want) {
				t.Errorf("the backend saw %v, want %v: no preflight", methods, want)
			}
		})
	}
}

// forPage puts a page's origin into a shipped connection manager, and an app with the site's key.
func forPage(manager map[string]any, origin, api string) {
	policy := member(manager, "route_config", "virtual_hosts", 0, "typed_per_filter_config", "envoy.filters.http.cors").(map[string]any)
	policy["allow_origin_string_match"] = []any{map[string]any{"exact": origin}}
	configuration := member(manager, "http_filters", 1, "typed_config", "config", "configuration").(map[string]any)
	text := strings.ReplaceAll(configuration["value"].(string), "https://app.example.com", origin)
	// A limit of its own for each order.
	text = strings.Replace(text, `"name": "customers"`, `"name": "`+api+`"`, 1)
	configuration["value"] = strings.Replace(text, `"version": 1,`,
		`"version": 1, "products": [{"name": "all"}], "apps": [{"name": "page", "developer": "d", "products": ["all"], "keys": [{"id": "k", "sha256": "`+keyDigest()+`"}]}],`, 1)
}

func keyDigest() string {
	sum := sha256.Sum256([]byte(siteKey))
	return hex.EncodeToString(sum[:])
}
