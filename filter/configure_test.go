package main_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
)

// BenchmarkBudgetConfigure1000Keys measures proxy_on_configure alone, with 100 apps of 10 keys each, under wazero: from
// the callback's begin to the last hostcall in it, which sets the tick. The budget is 50 ms.
func BenchmarkBudgetConfigure1000Keys(b *testing.B) {
	config := withKeys(string(configuration(b, fullSequence)), 100, 10)
	g := start(b, module(b), config, hostsim.WithTrace(), hostsim.WithClock(hostsim.RealClock()))
	var took []time.Duration
	seen := len(g.Trace())
	for b.Loop() {
		if err := g.UpdateConfig(config); err != nil {
			b.Fatal(err)
		}
		g.Drain()
		trace := g.Trace()
		took = append(took, configureTimes(trace[seen:])...)
		seen = len(trace)
	}
	slices.Sort(took)
	if len(took) == 0 {
		b.Fatal("no configure was traced")
	}
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms/configure")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms/configure")
	b.ReportMetric(float64(len(config)), "config-bytes")
	b.ReportMetric(0, "ns/op") // it would count the VM of the host's trial run too
}

// configureTimes are how long each proxy_on_configure took.
func configureTimes(trace []hostsim.TraceEntry) []time.Duration {
	var took []time.Duration
	var began time.Time
	for _, e := range trace {
		switch e.Name {
		case "proxy_on_configure":
			began = e.At
		case "proxy_set_tick_period_milliseconds":
			took = append(took, e.At.Sub(began))
		}
	}
	return took
}

// withKeys adds apps of so many keys each to a configuration.
func withKeys(config string, apps, keys int) []byte {
	var list strings.Builder
	for app := range apps {
		fmt.Fprintf(&list, `{"name":"app-%d","developer":"team-%d@example.com","products":["portal"],"keys":[`, app, app)
		for key := range keys {
			if key > 0 {
				list.WriteByte(',')
			}
			sum := sha256.Sum256(fmt.Appendf(nil, "key-%d-%d", app, key))
			fmt.Fprintf(&list, `{"id":"k-%d-%d","sha256":"%s","expires":"2027-05-01T00:00:00Z"}`, app, key, hex.EncodeToString(sum[:]))
		}
		list.WriteString(`]},`)
	}
	return []byte(strings.Replace(config, `"apps":[`, `"apps":[`+list.String(), 1))
}

// TestBudgetConfigureTakesAllKeys: what the benchmark configures is in force, from the first key to the last.
func TestBudgetConfigureTakesAllKeys(t *testing.T) {
	g := start(t, module(t), withKeys(string(configuration(t, fullSequence)), 100, 10))
	for _, key := range []string{"key-0-0", "key-57-3", "key-99-9", goodKey} {
		r := request("token")
		r.Headers[0].Value = key
		response, x := g.do(r)
		g.must(key, response, x, admitted)
	}
}
