package envoyconfig

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

const managerType = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"

// TestEveryManifestBoundsARequest: a request that waits for its verdict, or of which the body does not come, must end
// also where the filter cannot end it. Envoy's own default for that is never.
func TestEveryManifestBoundsARequest(t *testing.T) {
	bounded := map[string]int{} // connection managers, or what makes them, by file
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && slices.Contains([]string{"e2e", "helm", "observability", "secrets", "testdata"}, d.Name()) {
				return filepath.SkipDir
			}
			return err
		}
		if filepath.Ext(path) == ".yaml" {
			bounded[filepath.ToSlash(path)] = requestTimeouts(t, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"envoy.yaml", "backend-sidecar.yaml", "per-route/instances.yaml", "envoy-gateway/gateway.yaml", "istio/base/request-timeout.yaml",
	} {
		if bounded[path] != 1 {
			t.Errorf("%s bounds %d connection managers, want 1", path, bounded[path])
		}
	}
	t.Run("istio's overlays", overlaysBoundRequests)
}

// requestTimeouts checks each connection manager of a file, in whatever form it stands there, and counts them.
func requestTimeouts(t *testing.T, path string) (n int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	check := func(timeout any) {
		n++
		written, _ := timeout.(string)
		if d, err := time.ParseDuration(written); err != nil || d < 15*time.Second || d > time.Minute {
			t.Errorf("%s: a request may take %q", path, written)
		}
	}
	var visit func(node any)
	visit = func(node any) {
		switch node := node.(type) {
		case []any:
			for _, each := range node {
				visit(each)
			}
		case map[string]any:
			if _, filters := node["http_filters"]; filters || node["@type"] == managerType {
				check(node["request_timeout"])
			}
			if node["kind"] == "ClientTrafficPolicy" {
				timeout, _ := Path{"spec", "timeout", "http", "requestReceivedTimeout"}.find(node)
				check(timeout)
			}
			for _, each := range node {
				visit(each)
			}
		}
	}
	for part := range strings.SplitSeq(string(text), "\n---\n") {
		var root any
		if err := yaml.UnmarshalStrict([]byte(part), &root); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		visit(root)
	}
	return n
}

// overlaysBoundRequests: each place of the filter has the base's patch, for the same proxies as the filter.
func overlaysBoundRequests(t *testing.T) {
	type kustomization struct {
		Resources []string
		Patches   []struct {
			Target struct{ Kind string }
			Patch  string
		}
	}
	read := func(t *testing.T, path string) (k kustomization) {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(text, &k); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		return k
	}
	if base := read(t, "istio/base/kustomization.yaml"); !slices.Contains(base.Resources, "request-timeout.yaml") {
		t.Errorf("the base has %v", base.Resources)
	}
	overlays, err := filepath.Glob("istio/overlays/*/kustomization.yaml")
	if err != nil || len(overlays) < 3 {
		t.Fatalf("overlays %v, %v", overlays, err)
	}
	for _, path := range overlays {
		k := read(t, path)
		// An overlay of an overlay has the base through that one, which is looked at here too.
		if !slices.Contains(k.Resources, "../../base") && !slices.Contains(k.Resources, "../one-gateway") {
			t.Errorf("%s does not have the base", path)
		}
		moved := map[string]int{} // kinds that are for other proxies than in the base
		for _, p := range k.Patches {
			if strings.Contains(p.Patch, "elector") || strings.Contains(p.Patch, "targetRefs") {
				moved[p.Target.Kind]++
			}
		}
		if moved["EnvoyFilter"] != moved["WasmPlugin"] {
			t.Errorf("%s patches %v: the filter and the bound are for different proxies", path, moved)
		}
	}
}
