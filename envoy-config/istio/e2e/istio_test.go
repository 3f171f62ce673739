package e2e

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/envoy-config/testsite"
)

// TestIstioSequence: the shipped manifests, the whole sequence, with the filter's own callout to Okta.
func TestIstioSequence(t *testing.T) {
	w := testsite.New(t)
	e := startEdge(t, w, oneGateway(t), "file://"+filter(t), "")
	good := w.Token(t, "customers.read")
	key := []string{"x-api-key", w.Key}
	e.client.Want(t, "no key", "401 api_key.missing", testsite.Order)
	e.client.Want(t, "no token", "401 token.missing", testsite.Order, key...)
	if n := w.Requests(); n != 0 {
		t.Errorf("the backend saw %d requests", n)
	}
	e.client.Want(t, "a good key and a good token", "200", testsite.Order, w.With(good)...)
	seen := w.LastHeaders()
	if seen.Get("x-api-key") != "" || seen.Get("x-sallyport-app") != "global-customer-portal" {
		t.Errorf("the backend saw %v", seen)
	}
	if calls := w.Org.IntrospectionCalls(); calls != 1 {
		t.Errorf("Okta saw %d introspections", calls)
	}
	e.client.Want(t, "a token without the scope", "403 token.scope_insufficient", testsite.Order, w.With(w.Token(t, "openid"))...)
	revoked := w.Token(t, "customers.read")
	if err := w.Org.Revoke(revoked); err != nil {
		t.Fatal(err)
	}
	e.client.Want(t, "a token that was revoked", "401 token.inactive", testsite.Order, w.With(revoked)...)
	e.client.Want(t, "an address that may not come", "403", testsite.Order, append(w.With(good), "x-forwarded-for", "203.0.113.9")...)
	e.client.Want(t, "an address that may", "200", testsite.Order, append(w.With(good), "x-forwarded-for", "198.51.100.9")...)

	before, reached := e.decisions(), w.Requests()
	if before == 0 {
		t.Fatal("the filter counts nothing")
	}
	e.client.Want(t, "a public route", "404", "/public/a") // the backend's own answer: it has no such page
	if w.Requests() != reached+1 {
		t.Error("the backend did not see the request to the public route")
	}
	if after := e.decisions(); after != before {
		t.Errorf("the filter decided %d requests to a public route", after-before)
	}
	e.client.Want(t, "another path", "404 api.unknown", "/other")
}
