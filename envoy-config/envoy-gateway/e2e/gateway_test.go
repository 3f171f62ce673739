package e2e

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/sallyport-gateway/sallyport/envoy-config/oci"
	"github.com/sallyport-gateway/sallyport/envoy-config/testsite"
)

func nothing([]manifest) error { return nil }

// pushed puts the filter, as `make oci` packs it, into a registry on loopback.
func pushed(t *testing.T) (image, digest string) {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	image = strings.TrimPrefix(server.URL, "http://") + "/sallyport"
	repository, err := remote.NewRepository(image)
	if err != nil {
		t.Fatal(err)
	}
	repository.PlainHTTP = true
	module, err := os.ReadFile("../../../build/sallyport.wasm")
	if err != nil {
		t.Fatalf("%v: run it by `make e2e-gateway`", err)
	}
	manifest, err := oci.Push(t.Context(), repository, module, "v1")
	if err != nil {
		t.Fatal(err)
	}
	return image + ":v1", manifest.Digest.Encoded()
}

// TestEnvoyGatewaySequence: the shipped manifests, the whole sequence, with the filter's own callout to Okta.
func TestEnvoyGatewaySequence(t *testing.T) {
	s := testsite.New(t)
	image, digest := pushed(t)
	e := start(t, s, all(t), image, digest, nothing)
	ask := func(what, want, path string, headers ...string) {
		t.Helper()
		e.client.Want(t, what, want, path, headers...)
	}
	e.until("the filter is there", func() bool {
		got, err := e.client.Ask(t.Context(), testsite.Order)
		return err == nil && got.Reason != ""
	})
	ask("no key", "401 api_key.missing", testsite.Order)
	ask("no token", "401 token.missing", testsite.Order, "x-api-key", s.Key)
	if n := s.Requests(); n != 0 {
		t.Errorf("the backend saw %d requests", n)
	}
	good := s.Good(t)
	ask("a good key and a good token", "200", testsite.Order, good...)
	if seen := s.LastHeaders(); seen.Get("x-api-key") != "" || seen.Get("x-sallyport-app") != "global-customer-portal" {
		t.Errorf("the backend saw %v", seen)
	}
	if calls := s.Org.IntrospectionCalls(); calls != 1 {
		t.Errorf("Okta saw %d introspections", calls)
	}
	ask("a token without the scope", "403 token.scope_insufficient", testsite.Order, s.With(s.Token(t, "openid"))...)
	revoked := s.Token(t, "customers.read")
	if err := s.Org.Revoke(revoked); err != nil {
		t.Fatal(err)
	}
	ask("a token that was revoked", "401 token.inactive", testsite.Order, s.With(revoked)...)
	ask("an address that may not come", "403", testsite.Order, append(s.Good(t), "x-forwarded-for", "203.0.113.9")...)
	ask("an address that may", "200", testsite.Order, append(s.Good(t), "x-forwarded-for", "198.51.100.9")...)
	ask("the route that is Okta's", "403", "/", "host", "okta.sallyport.invalid")

	before, reached := e.decisions(), s.Requests()
	if before == 0 {
		t.Fatal("the filter counts nothing")
	}
	ask("a public route", "404", "/public/a") // the backend's own answer: it has no such page
	if s.Requests() != reached+1 {
		t.Error("the backend did not see the request to the public route")
	}
	if after := e.decisions(); after != before {
		t.Errorf("the filter decided %d requests to a public route", after-before)
	}
}
