package hostsim_test

import (
	"context"
	"testing"

	"github.com/tetratelabs/proxy-wasm-go-sdk/proxywasm/proxytest" //nolint:depguard // another host to be measured beside this one: no codec of it checks ours

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/forge"
)

// BenchmarkSuite is what a test pays for its host: a new one and 100 requests, with one compiled Wasm module that lets all
// pass, here and in proxytest, the emulator of the Go SDK.
func BenchmarkSuite(b *testing.B) {
	const one = 0x41 // i32.const
	guest := forge.Guest("0_2_1").Export("proxy_on_context_create", "ii", "").Export("proxy_on_log", "i", "").Body("proxy_on_done", "i", "i", one, 1)
	for _, name := range []string{"vm_start", "configure"} {
		guest.Body("proxy_on_"+name, "ii", "i", one, 1)
	}
	for _, name := range []string{"request_headers", "response_headers"} {
		guest.Body("proxy_on_"+name, "iii", "i", one, 0)
	}
	wasm := guest.Bytes()
	b.Run("hostsim", func(b *testing.B) {
		m, err := hostsim.Compile(b.Context(), wasm, hostsim.CompileOptions{})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = m.Close(context.Background()) })
		for b.Loop() {
			h, err := m.New(b.Context(), hostsim.WithConfig([]byte("hello")))
			if err != nil {
				b.Fatal(err)
			}
			for range 100 {
				if r, _, err := h.Do(b.Context(), hostsim.Request{Headers: abi.Headers{{Name: "x-team", Value: "blue"}}}); err != nil || r.Status == 0 {
					b.Fatal(r.Status, err)
				}
			}
			if err := h.Process().Close(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("proxytest", func(b *testing.B) {
		vm, err := proxytest.NewWasmVMContext(wasm)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = vm.Close() })
		for b.Loop() {
			host, reset := proxytest.NewHostEmulator(proxytest.NewEmulatorOption().WithVMContext(vm).WithPluginConfiguration([]byte("hello")))
			host.StartVM()
			host.StartPlugin()
			for range 100 {
				id := host.InitializeHttpContext()
				host.CallOnRequestHeaders(id, [][2]string{{":method", "GET"}, {":path", "/"}, {":authority", "example.com"}, {"x-team", "blue"}}, true)
				host.CallOnResponseHeaders(id, [][2]string{{":status", "200"}}, false)
				host.CompleteHttpContext(id)
			}
			reset()
		}
	})
}
