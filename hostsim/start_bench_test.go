package hostsim_test

import (
	"context"
	"os"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// BenchmarkHostGoRequest is one exchange with a guest in Go that reads its script, makes two hostcalls and logs both.
func BenchmarkHostGoRequest(b *testing.B) {
	h := newHost(b, script("get 0 :path", "set 0 x-a b"))
	b.ReportAllocs()
	for b.Loop() {
		do(b, h, hostsim.Request{})
	}
}

// BenchmarkHostStart is a host of a guest in Go whose module is compiled already: three VMs, one of them the canary.
func BenchmarkHostStart(b *testing.B) {
	m := scriptedModule(b)
	b.ReportAllocs()
	for b.Loop() {
		start(b, m)
	}
}

// BenchmarkHostStartCached has the module from disk too, as the first host of a test binary has.
func BenchmarkHostStartCached(b *testing.B) {
	wasm, err := os.ReadFile(wasmbuild.Package(b, "./hostsim/testdata/guests/scripted"))
	if err != nil {
		b.Fatal(err)
	}
	o := hostsim.CompileOptions{CacheDir: b.TempDir()}
	b.ReportAllocs()
	once := func() {
		m, err := hostsim.Compile(context.Background(), wasm, o)
		if err != nil {
			b.Fatal(err)
		}
		start(b, m)
		if err := m.Close(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	once()
	b.ResetTimer()
	for b.Loop() {
		once()
	}
}

func start(b *testing.B, m *hostsim.Module) {
	b.Helper()
	h, err := m.New(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	if err := h.Process().Close(context.Background()); err != nil {
		b.Fatal(err)
	}
}
