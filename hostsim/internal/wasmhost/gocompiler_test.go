package wasmhost

import (
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/forge"
)

// madeByGo is the custom section that the Go compiler writes.
func madeByGo(m *forge.Module) []byte {
	return m.Custom("producers", append([]byte{2},
		"\x08language\x01\x02Go\x08go1.26.8\x0cprocessed-by\x01\x0eGo cmd/compile\x08go1.26.8"...)).Bytes()
}

// TestInspectGoWithTinyGosSDK: exports that only TinyGo makes are missing, and the refusal says which SDK has them.
func TestInspectGoWithTinyGosSDK(t *testing.T) {
	const sdk = "github.com/proxy-wasm/proxy-wasm-go-sdk"
	in := Inspect(t.Context(), madeByGo(forge.New().Memory().Export("_initialize", "", "")))
	if v := in.Verdicts[0]; v.Loads || !strings.Contains(v.Refusal[0].Hint, sdk) {
		t.Errorf("of a module of the Go compiler without a marker: %+v", v)
	}
	in = Inspect(t.Context(), forge.New().Memory().Bytes())
	if v := in.Verdicts[0]; v.Loads || strings.Contains(v.Refusal[0].Hint, sdk) {
		t.Errorf("of a module of somebody else without a marker: %+v", v)
	}
}

// TestInspectGoCommand: built as a command, a Go module runs main and exits, which no Envoy survives.
func TestInspectGoCommand(t *testing.T) {
	warned := func(wasm []byte) bool {
		return strings.Contains(strings.Join(Inspect(t.Context(), wasm).Warnings, "\n"), "-buildmode=c-shared")
	}
	if !warned(madeByGo(forge.Guest("0_2_1").Export("_start", "", "").Export("proxy_on_log", "i", ""))) {
		t.Error("a command of the Go compiler: no warning")
	}
	if warned(madeByGo(forge.Guest("0_2_1").Export("_initialize", "", "").Export("proxy_on_log", "i", ""))) {
		t.Error("a library of the Go compiler: a warning")
	}
	if warned(forge.Guest("0_2_1").Export("_start", "", "").Export("proxy_on_log", "i", "").Bytes()) {
		t.Error("somebody else's _start: a warning")
	}
}
