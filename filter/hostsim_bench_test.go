package main_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/hostdriver"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// BenchmarkHostSallyportRequest is one exchange on hostsim, from the client's headers to delete, of the shipped filter:
// "admitted" goes through the full sequence with the token's answer in the cache, "denied" ends at the API key.
func BenchmarkHostSallyportRequest(b *testing.B) {
	unknown := request("token")
	unknown.Headers[0].Value = "unknown-key"
	for _, bm := range []struct {
		name    string
		request hostsim.Request
		want    outcome
	}{
		{"admitted", request("token"), admitted},
		{"denied", unknown, outcome{status: 401, reason: "api_key.unknown"}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			g := start(b, module(b), configuration(b, fullSequence))
			response, x := g.do(bm.request)
			g.must("the first request", response, x, bm.want)
			response, x = g.do(bm.request)
			g.must("the second request", response, x, bm.want)
			b.ReportMetric(float64(x.AllHostcalls), "hostcalls")
			b.ReportAllocs()
			for b.Loop() {
				r, _, err := g.Do(context.Background(), bm.request)
				if err != nil || r.Status != bm.want.status {
					b.Fatal(r.Status, err)
				}
			}
		})
	}
}

// BenchmarkHostSallyportScenario is one scenario with a host of its own, two VMs and the trial run's, once the module is
// compiled.
func BenchmarkHostSallyportScenario(b *testing.B) {
	files, err := scenario.Load(scenarios)
	if err != nil {
		b.Fatal(err)
	}
	f := files[slices.IndexFunc(files, func(f *scenario.File) bool { return strings.HasSuffix(f.Path, "introspection/cached.txtar") })]
	d := hostdriver.New(module(b))
	b.ReportAllocs()
	for b.Loop() {
		if report, err := scenario.Run(b.Context(), f, d); err != nil || !report.OK() {
			b.Fatal(report, err)
		}
	}
}

// BenchmarkHostSallyportStart is from the module's bytes, with machine code in the cache on disk, to a host that is
// ready: two VMs and the trial run's.
func BenchmarkHostSallyportStart(b *testing.B) {
	ctx := context.Background()
	wasm, err := os.ReadFile(wasmbuild.Package(b, "./filter"))
	if err != nil {
		b.Fatal(err)
	}
	o := hostsim.CompileOptions{CacheDir: b.TempDir()}
	config := hostsim.WithConfig(configuration(b, fullSequence))
	env := hostsim.WithEnv(map[string]string{"OKTA_CLIENT_SECRET": oktaSecret})
	once := func() {
		m, err := hostsim.Compile(ctx, wasm, o)
		if err != nil {
			b.Fatal(err)
		}
		h, err := m.New(ctx, config, env)
		if err != nil {
			b.Fatal(err)
		}
		if err := errors.Join(h.Process().Close(ctx), m.Close(ctx)); err != nil {
			b.Fatal(err)
		}
	}
	once()
	b.ReportAllocs()
	for b.Loop() {
		once()
	}
}
