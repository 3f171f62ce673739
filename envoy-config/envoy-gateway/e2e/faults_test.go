package e2e

import (
	"strings"
	"testing"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/envoy-config/internal/meshtest"
)

// ready waits until the filter decides requests.
func (e *edge) ready() {
	e.t.Helper()
	meshtest.Until(e.t.Context(), e.t, "the filter is there", func() bool {
		got, err := e.client.Ask(e.t.Context(), meshtest.Order)
		return err == nil && got.Reason != ""
	})
}

// TestEnvoyGatewayWrongDigest: a module that is not what was pinned lets nothing through, and the public route goes on.
func TestEnvoyGatewayWrongDigest(t *testing.T) {
	s := meshtest.New(t)
	image, _ := pushed(t)
	e := start(t, s, all(t), image, strings.Repeat("0", 64), nothing)
	meshtest.Until(e.t.Context(), e.t, "the public route is there", func() bool {
		got, err := e.client.Ask(t.Context(), "/public/a")
		return err == nil && got.Status == 404 && s.Requests() > 0
	})
	before := s.Requests()
	e.client.Want(t, "a good request", "500", meshtest.Order, s.Good(t)...)
	if n := s.Requests(); n != before {
		t.Errorf("the backend saw %d requests", n-before)
	}
}

// TestEnvoyGatewayTrustsNobodyElse: an Okta or a backend that cannot prove its name gets nothing, and nobody passes.
func TestEnvoyGatewayTrustsNobodyElse(t *testing.T) {
	image, digest := pushed(t)
	for name, test := range map[string]struct{ backend, want string }{
		"Okta with another name":      {"okta", "503 introspection.unreachable"},
		"a backend with another name": {"backend", "503"},
	} {
		t.Run(name, func(t *testing.T) {
			s := meshtest.New(t)
			e := start(t, s, all(t), image, digest, func(manifests []envoyconfig.Manifest) error {
				return meshtest.Change(manifests, "Backend", test.backend, "login.example.org", "spec", "tls", "sni")
			})
			e.ready()
			e.client.Want(t, "a good request", test.want, meshtest.Order, s.Good(t)...)
			if n := s.Requests(); n != 0 {
				t.Errorf("the backend saw %d requests", n)
			}
			if n := s.Org.IntrospectionCalls(); test.backend == "okta" && n != 0 {
				t.Errorf("Okta saw %d introspections", n)
			}
		})
	}
}

// TestEnvoyGatewayUpdate changes the filter's configuration while requests are under way, a limit of the spike arrest at last:
// none fails.
func TestEnvoyGatewayUpdate(t *testing.T) {
	const updates = 3
	s := meshtest.New(t)
	image, digest := pushed(t)
	manifests := all(t)
	e := start(t, s, manifests, image, digest, nothing)
	e.ready()
	good := s.Good(t)
	e.client.Want(t, "a good request", "200", meshtest.Order, good...)
	end := e.client.Load(t, good)
	config := envoyconfig.Path{"spec", "wasm", 0, "config"}
	apis := []any{map[string]any{"name": "customers", "version": "v1", "base_path": "/customers/v1"}}
	standalone := e.standalone(s)
	for i := range updates {
		version := "v" + string(rune('2'+i))
		apis = append(apis, map[string]any{"name": "customers", "version": version, "base_path": "/customers/" + version})
		if err := meshtest.Change(manifests, "EnvoyExtensionPolicy", "sallyport", apis, config.Then("apis")...); err != nil {
			t.Fatal(err)
		}
		e.write(append(manifests, standalone...))
		meshtest.Until(t.Context(), t, "the update is in force", func() bool { return e.client.Knows(t, version, good) })
	}
	t.Logf("%d requests through %d updates", end(), updates)

	if err := meshtest.Change(manifests, "EnvoyExtensionPolicy", "sallyport", map[string]any{"rate": "6pm", "burst": 5},
		config.Then("sequence", 0, "spike_arrest")...); err != nil {
		t.Fatal(err)
	}
	e.write(append(manifests, standalone...))
	meshtest.Until(e.t.Context(), e.t, "the spike arrest refuses", func() bool {
		got, err := e.client.Ask(t.Context(), meshtest.Order, good...)
		return err == nil && got.String() == "429 spike_arrest.exceeded"
	})
}
