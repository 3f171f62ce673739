package hostsim_test

import (
	"errors"
	"os"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/forge"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// TestCacheDir: a module from the cache is the module, for every Envoy version.
func TestCacheDir(t *testing.T) {
	path := wasmbuild.Package(t, "./hostsim/testdata/guests/scripted")
	o := hostsim.CompileOptions{CacheDir: t.TempDir()}
	for round := range 3 {
		m, err := hostsim.CompileFile(t.Context(), path, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, profile := range []string{"1.40", "1.36"} {
			h, err := m.New(t.Context(), hostsim.WithProfile(profile), hostsim.WithConfig([]byte(script("get 0 :path", "reply 403 - no"))))
			if err != nil {
				t.Fatal(err)
			}
			response, e := do(t, h, hostsim.Request{Path: "/a"})
			wantStatus(t, response, 403)
			if got := result(t, e.Log, "get 0 :path"); got != `0 "/a"` {
				t.Errorf("round %d, Envoy %s: get gives %q", round, profile, got)
			}
			if err := h.Process().Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if entries, err := os.ReadDir(o.CacheDir); err != nil || len(entries) != 1 {
		t.Errorf("the cache has %v, want one folder: %v", entries, err)
	}
}

// TestCacheDirRefusals: what no Envoy loads is refused with a cache too, each time, and leaves nothing behind.
func TestCacheDirRefusals(t *testing.T) {
	o := hostsim.CompileOptions{CacheDir: t.TempDir()}
	for _, s := range forge.Specimens() {
		if len(refusals[s.Name]) == 0 || refusals[s.Name][0] != "Failed to load Wasm bytecode" {
			continue
		}
		for range 2 {
			var refused *hostsim.LoadError
			if _, err := hostsim.Compile(t.Context(), s.Wasm, o); !errors.As(err, &refused) {
				t.Errorf("%s: %v", s.Name, err)
			}
		}
	}
	if entries, err := os.ReadDir(o.CacheDir); err != nil || len(entries) != 0 {
		t.Errorf("the cache has %v: %v", entries, err)
	}
}
