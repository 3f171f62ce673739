package main_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/sallyport-gateway/sallyport/hostsim"
)

const (
	largeApps    = 10_000
	keysOfAnApp  = 2
	largeKeyText = "key-of-the-large-catalog-"
)

// largeCatalog is a configuration of many apps with two keys each, written as `sallyport render` writes one.
func largeCatalog(apps int) []byte {
	var b strings.Builder
	b.WriteString(`{"version":1,"apis":[{"name":"customers","version":"v1","base_path":"/customers/v1"}],` +
		`"products":[{"name":"portal","apis":[{"name":"customers","operations":[{"path":"/orders/**","methods":["GET"]}]}]}],"apps":[`)
	for i := range apps {
		if i > 0 {
			b.WriteByte(',')
		}
		n := strconv.Itoa(i)
		b.WriteString(`{"name":"app-` + n + `","developer":"team-` + n + `@example.com","products":["portal"],"keys":[`)
		for j := range keysOfAnApp {
			if j > 0 {
				b.WriteByte(',')
			}
			id := n + "-" + strconv.Itoa(j)
			sum := sha256.Sum256([]byte(largeKeyText + id))
			b.WriteString(`{"id":"k-` + id + `","sha256":"` + hex.EncodeToString(sum[:]) + `","status":"approved","expires":"2027-05-01T00:00:00Z"}`)
		}
		b.WriteString(`]}`)
	}
	b.WriteString(`],"sequence":[{"verify_api_key":{"from":[{"header":"x-api-key"}]}},{"remove_api_key":{}}]}`)
	return []byte(b.String())
}

// BenchmarkLargeCatalogConfigure gives the compiled filter a configuration of 10,000 apps with 20,000 keys. It reports
// the milliseconds of one proxy_on_configure, the mean of the worker's, and the MiB of the worker's whole linear memory
// after it. The goals are 400 ms and 40 MiB; on two cores shared with others it takes 250 to 350 ms and 15 MiB.
func BenchmarkLargeCatalogConfigure(b *testing.B) {
	config := largeCatalog(largeApps)
	m := module(b)
	var took time.Duration
	var memory, configured int
	for b.Loop() {
		h, err := m.New(b.Context(), hostsim.WithConfig(config), hostsim.WithTrace())
		if err != nil {
			b.Fatal(err)
		}
		for _, e := range h.Trace() {
			if e.Callback && e.Name == "proxy_on_configure" && e.Thread == 1 {
				took += e.Took
				configured++
			}
		}
		memory = h.GuestMemory()[1]
		if err := h.Process().Close(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(took.Microseconds())/1000/float64(configured), "ms/configure")
	b.ReportMetric(float64(memory)/(1<<20), "MiB-guest")
	b.ReportMetric(float64(len(config))/(1<<20), "MiB-config")
}

// BenchmarkLargeCatalogLookup looks a key up among 20,000 in a guest: it compiles the catalog's own benchmark as the
// filter is compiled, for wasip1, and runs it under wazero. It reports the microseconds of a lookup. The goal is 2; a
// known key takes 0.5, an unknown one 0.1.
func BenchmarkLargeCatalogLookup(b *testing.B) {
	path := filepath.Join(b.TempDir(), "catalog.wasm")
	build := exec.CommandContext(b.Context(), "go", "test", "-c", "-o", path, "./internal/catalog")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("compile the catalog's tests: %v\n%s", err, out)
	}
	guest, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	runtime := wazero.NewRuntime(b.Context())
	defer runtime.Close(context.Background())
	wasi_snapshot_preview1.MustInstantiate(b.Context(), runtime)
	var out bytes.Buffer
	var lookups map[string]float64
	for b.Loop() {
		out.Reset()
		_, err := runtime.InstantiateWithConfig(b.Context(), guest, wazero.NewModuleConfig().
			WithArgs("catalog.test", "-test.run=^$", "-test.bench=LargeCatalogFindKey", "-test.benchtime=200000x").
			WithStdout(&out).WithStderr(&out).WithSysNanotime().WithSysWalltime().WithRandSource(rand.Reader))
		if err != nil {
			b.Fatalf("run it: %v\n%s", err, out.String())
		}
		lookups = lookupTimes(b, out.String())
	}
	for what, micros := range lookups {
		b.ReportMetric(micros, "us/"+what)
	}
}

var lookupLine = regexp.MustCompile(`(?m)^BenchmarkLargeCatalogFindKey/(known|unknown)\S*\s+\d+\s+([0-9.]+) ns/op`)

// lookupTimes reads microseconds by sub-benchmark.
func lookupTimes(b *testing.B, out string) map[string]float64 {
	b.Helper()
	times := map[string]float64{}
	for _, m := range lookupLine.FindAllStringSubmatch(out, -1) {
		nanos, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			b.Fatal(err)
		}
		times[m[1]] = nanos / 1000
	}
	if len(times) != 2 {
		b.Fatalf("the guest printed no figures:\n%s", out)
	}
	return times
}
