package e2e

import (
	"net/http"
	"testing"
)

const order = "/customers/v1/orders/42"

// TestIstioSequence: the shipped manifests, the whole sequence, with the filter's own callout to Okta.
func TestIstioSequence(t *testing.T) {
	w := newWorld(t)
	e := startEdge(t, w, oneGateway(t), "file://"+filter(t), "")
	good := w.token(t, "customers.read")
	key := []string{"x-api-key", w.key}
	with := func(token string) []string { return append(key, "authorization", "Bearer "+token) }
	e.want("no key", "401 api_key.missing", order)
	e.want("no token", "401 token.missing", order, key...)
	if n := w.requests.Load(); n != 0 {
		t.Errorf("the backend saw %d requests", n)
	}
	e.want("a good key and a good token", "200", order, with(good)...)
	seen, _ := w.last.Load().(http.Header)
	if seen.Get("x-api-key") != "" || seen.Get("x-sallyport-app") != "global-customer-portal" {
		t.Errorf("the backend saw %v", seen)
	}
	if calls := w.org.IntrospectionCalls(); calls != 1 {
		t.Errorf("Okta saw %d introspections", calls)
	}
	e.want("a token without the scope", "403 token.scope_insufficient", order, with(w.token(t, "openid"))...)
	revoked := w.token(t, "customers.read")
	if err := w.org.Revoke(revoked); err != nil {
		t.Fatal(err)
	}
	e.want("a token that was revoked", "401 token.inactive", order, with(revoked)...)
	e.want("an address that may not come", "403", order, append(with(good), "x-forwarded-for", "203.0.113.9")...)
	e.want("an address that may", "200", order, append(with(good), "x-forwarded-for", "198.51.100.9")...)

	before, reached := e.decisions(), w.requests.Load()
	if before == 0 {
		t.Fatal("the filter counts nothing")
	}
	e.want("a public route", "404", "/public/a") // the backend's own answer: it has no such page
	if w.requests.Load() != reached+1 {
		t.Error("the backend did not see the request to the public route")
	}
	if after := e.decisions(); after != before {
		t.Errorf("the filter decided %d requests to a public route", after-before)
	}
	e.want("another path", "404 api.unknown", "/other")
}
