package main_test

import (
	"context"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
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
