package othersdks

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// broken is a module that some compiler made, with names in it replaced by others of the same length.
type broken struct {
	name    string
	module  string
	replace [][2]string
	cut     int // bytes off the end
}

var brokenModules = []broken{
	{name: "unknown ABI version", module: "rust/headers", replace: [][2]string{{"proxy_abi_version_0_2_1", "proxy_abi_version_0_3_0"}}},
	{name: "no ABI version", module: "assemblyscript/headers", replace: [][2]string{{"proxy_abi_version_0_2_0", "broxy_abi_version_0_2_0"}}},
	{name: "older ABI than the imports", module: "rust/headers", replace: [][2]string{{"proxy_abi_version_0_2_1", "proxy_abi_version_0_1_0"}}},
	{name: "newer ABI than the imports", module: "rust/legacy", replace: [][2]string{{"proxy_abi_version_0_1_0", "proxy_abi_version_0_2_1"}}},
	{name: "missing import", module: "rust/headers", replace: [][2]string{{"proxy_get_header_map_pairs", "proxy_git_header_map_pairs"}}},
	{name: "missing import module", module: "assemblyscript/headers", replace: [][2]string{{"wasi_unstable", "wasi_insecure"}}},
	{name: "missing WASI import", module: "rust/replies", replace: [][2]string{{"environ_get", "ambient_get"}}},
	{name: "import of another type", module: "rust/headers", replace: [][2]string{{"proxy_http_call", "proxy_grpc_call"}}},
	{name: "no allocator", module: "rust/headers", replace: [][2]string{{"proxy_on_memory_allocate", "proxy_on_memory_allocatf"}}},
	{name: "no malloc", module: "assemblyscript/headers", replace: [][2]string{{"\x06malloc", "\x06nalloc"}}},
	{name: "callbacks of other types", module: "rust/headers", replace: [][2]string{
		{"proxy_on_tick", "proxy_on_swap"}, {"proxy_on_done", "proxy_on_tick"}, {"proxy_on_swap", "proxy_on_done"},
	}},
	{name: "cut short", module: "rust/headers", cut: 1000},
}

func (b broken) bytes(t *testing.T) []byte {
	t.Helper()
	wasm, err := os.ReadFile(filepath.Join(builtDir, b.module+".wasm"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range b.replace {
		if len(r[0]) != len(r[1]) || !bytes.Contains(wasm, []byte(r[0])) {
			t.Fatalf("%s has no %q to replace", b.module, r[0])
		}
		wasm = bytes.ReplaceAll(wasm, []byte(r[0]), []byte(r[1]))
	}
	return wasm[:len(wasm)-b.cut]
}

// What Envoy refuses, hostsim refuses in the same words. It may add a hint in brackets.
func TestOtherSDKsRefused(t *testing.T) {
	for _, b := range brokenModules {
		t.Run(b.name, func(t *testing.T) {
			wasm := b.bytes(t)
			words := refusedByHostsim(t, wasm)
			want := refusedByEnvoy(t, wasm)
			if len(want) == 0 || !strings.HasPrefix(words, want[0]) {
				t.Errorf("hostsim says %q, and Envoy %q", words, want)
			}
			t.Log(words)
		})
	}
}

func refusedByHostsim(t *testing.T, wasm []byte) string {
	t.Helper()
	host, err := hostsim.New(t.Context(), wasm)
	var refused *hostsim.LoadError
	if !errors.As(err, &refused) {
		if host != nil {
			_ = host.Close(t.Context())
		}
		t.Fatalf("hostsim says %v, want a LoadError", err)
	}
	return refused.Reason
}

// consequence is what Envoy says after the reason.
var consequence = regexp.MustCompile(`^(Wasm VM failed Failed to (load|initialize) Wasm code|Plugin configured to fail closed failed to load|Plugin failed to load|Unable to create.*)$`)

// refusedByEnvoy gives the reasons in its log, the first one first.
func refusedByEnvoy(t *testing.T, wasm []byte) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "module.wasm")
	if err := os.WriteFile(path, wasm, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := startReal(t.Context(), envoytest.Find(t), path, [2]int{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := d.Start(t.Context(), scenario.Setup{Config: []byte("hi"), Upstream: scenario.DefaultUpstream()}); err == nil {
		t.Fatal("Envoy takes the module")
	}
	if err := d.Process().Log().Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for _, l := range d.Process().Log().Since(0) {
		text := strings.TrimPrefix(l.Text, "Wasm VM failed ")
		if l.Logger == "wasm" && (l.Level == "error" || l.Level == "critical") && !consequence.MatchString(l.Text) {
			reasons = append(reasons, text)
		}
	}
	return reasons
}
