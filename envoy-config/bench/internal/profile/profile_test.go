package profile

import (
	"errors"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/site"
	"github.com/sallyport-gateway/sallyport/hostsim"
)

func TestFunctions(t *testing.T) {
	got, err := functions([]byte(`{"nodes":[
		{"id":1,"callFrame":{"functionName":"(root)","url":""}},
		{"id":2,"callFrame":{"functionName":"github.com_sallyport_gateway_sallyport_filter_internal_sha256.compress","url":"wasm://wasm/1"}},
		{"id":3,"callFrame":{"functionName":"runtime.mallocgc","url":"wasm://wasm/1"}},
		{"id":4,"callFrame":{"functionName":"play","url":"file:///host.mjs"}}],
		"samples":[1,2,3,4,2],"timeDeltas":[1000,100,100,5000,200]}`))
	if err != nil || len(got) != 2 || got[0].Name != "sha256.compress" || got[0].Share != 0.75 || got[1] != (Function{"runtime.mallocgc", 0.25}) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"", "{}", `{"nodes":[{"id":1,"callFrame":{"functionName":"play","url":"file:///"}}],"samples":[1],"timeDeltas":[5]}`} {
		if got, err := functions([]byte(bad)); err == nil {
			t.Errorf("%q gave %v", bad, got)
		}
	}
}

func TestArea(t *testing.T) {
	for function, want := range map[string]string{
		"sha256.compress":                                   "sha256",
		"policy_identity.__Step_.Apply":                     "policy_identity",
		"github.com_tetratelabs_proxy_wasm_go_sdk.internal": "tetratelabs_proxy_wasm_go_sdk",
		"runtime.mallocgcTiny":                              "runtime: allocation",
		"runtime.gcDrain":                                   "runtime: garbage collection",
		"runtime.memmove":                                   "runtime: copies and comparisons",
		"memeqbody":                                         "runtime: copies and comparisons",
		"runtime.mapaccess2":                                "runtime: maps and hashes",
		"internal_runtime_maps.h2":                          "runtime: maps and hashes",
		"runtime.mcall":                                     "runtime: the rest",
		"wasm-to-js:iiii:i":                                 "runtime: the rest",
	} {
		if got := area(function); got != want {
			t.Errorf("%s: %q, want %q", function, got, want)
		}
	}
}

// TestProfile takes a short one of the compiled filter.
func TestProfile(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(ErrNoNode)
		}
		t.Skip(ErrNoNode)
	}
	caller, err := site.NewCaller()
	if err != nil {
		t.Fatal(err)
	}
	path, err := Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	module, err := hostsim.CompileFile(t.Context(), path, hostsim.CompileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var results []Result
	for _, r := range Requests(caller) {
		calls, err := Hostcalls(t.Context(), module, caller, r)
		if err != nil {
			t.Fatal(err)
		}
		guest, err := InNode(t.Context(), path, caller, r, 0.2)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, f := range guest.Functions {
			sum += f.Share
		}
		if math.Abs(sum-1) > 1e-6 || len(guest.Functions) < 10 {
			t.Errorf("%s: %d functions, %v of the time", r.Name, len(guest.Functions), sum)
		}
		if guest.Objects < 0 || guest.Bytes < guest.Objects || len(calls.Hostcalls) == 0 || times(calls.Callbacks, "proxy_on_request_headers") != 1 {
			t.Errorf("%s: %v objects, %v bytes, calls %v", r.Name, guest.Objects, guest.Bytes, calls)
		}
		results = append(results, Result{r, guest, calls})
	}
	var b strings.Builder
	Write(&b, results)
	for _, want := range []string{"Guest by function, whole sequence", "proxy_get_header_map_pairs", "Allocations in the guest", "unknown key"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("there is no %q in\n%s", want, b.String())
		}
	}
}

func TestAWrongAnswerIsAnError(t *testing.T) {
	if _, err := exec.LookPath("node"); errors.Is(err, exec.ErrNotFound) {
		t.Skip(ErrNoNode)
	}
	caller, err := site.NewCaller()
	if err != nil {
		t.Fatal(err)
	}
	path, err := Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := Requests(caller)[0]
	r.Status = 418
	if g, err := InNode(t.Context(), path, caller, r, 0.1); err == nil || !strings.Contains(err.Error(), "418") {
		t.Errorf("got %+v, %v", g, err)
	}
}
