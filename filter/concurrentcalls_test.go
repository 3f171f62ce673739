package main_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

var tooMany = outcome{status: 429, reason: "concurrent_calls.exceeded"}

// onWorker is a request for the API, at one of the workers.
func onWorker(worker int) hostsim.Request {
	r := request("unused")
	r.Worker = worker
	return r
}

// TestReasonConcurrentCallsExceeded: the compiled module, in two workers, with
// requests at a backend that takes its time. However they end, their places are
// free; and none is lost to a request that a later step refuses.
func TestReasonConcurrentCallsExceeded(t *testing.T) {
	const limit, backendTime = 4, 10 * time.Minute // far beyond any lease
	g := start(t, module(t), configuration(t, `
- concurrent_calls: {limit: 4}
- verify_api_key: {from: [{header: x-api-key}]}
`), hostsim.WithWorkers(2), hostsim.WithUpstream(upstream.Answer{Delay: backendTime}),
		hostsim.WithConnectionManager(hostsim.ConnectionManager{UseRemoteAddress: true, StreamIdleTimeout: time.Hour, RouteTimeout: -1}))
	refused := func(what string) {
		t.Helper()
		for worker := range 2 {
			r, x := g.do(onWorker(worker))
			g.must(what, r, x, tooMany)
		}
	}
	var open []*hostsim.Pending
	for i := range limit {
		keyless := onWorker(i % 2)
		keyless.Headers = nil
		r, x := g.do(keyless)
		g.must("without a key", r, x, outcome{status: 401, reason: "api_key.missing"})
		open = append(open, g.begin(onWorker(i%2)))
	}
	refused("one too many")
	for range 6 {
		g.Advance(time.Minute)
		refused("after longer than the lease")
	}
	open[0].Stream().ClientGone()
	open[0] = g.begin(onWorker(1))
	refused("the place of a client that left is taken again")

	for _, p := range open[1:] {
		g.ends("one in time", p, admitted)
	}
	for i := range limit - 1 {
		open = append(open, g.begin(onWorker(i%2)))
	}
	refused("the places of those that were answered are taken again")
}

// TestReasonConcurrentCallsUnavailable: a count that cannot be read lets nobody in.
func TestReasonConcurrentCallsUnavailable(t *testing.T) {
	const text = `One request.
-- config.yaml --
version: 1
apis: [{name: a, version: v1, base_path: /a}]
sequence: [{concurrent_calls: {limit: 1}}]
-- request --
GET /a HTTP/1.1
host: api.example.com
-- response --
503
content-type: application/json
cache-control: no-store
x-sallyport-reason: concurrent_calls.unavailable
retry-after: 1

~.*sallyport\.ConcurrentCallsUnavailable.*
`
	f, err := scenario.Parse("unavailable.txtar", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	broken := func(memstore.Operation, string) error { return errors.New("broken") }
	report, err := scenario.Run(t.Context(), f, nativeDriver{sharedData: broken})
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() {
		t.Error(report)
	}
}

// TestRateLimitAttributes: an admitted request leaves what its limits have left for
// the host where an operator wants it, and nothing where he does not.
func TestRateLimitAttributes(t *testing.T) {
	const steps = `
- spike_arrest: {limits: [{rate: 100ps, burst: 20}, {rate: 600pm, burst: 10}]}
- concurrent_calls: {limit: 5}
`
	for _, tt := range []struct{ name, headers, limit, policy string }{
		{"by default", "", "", ""},
		{"both", "rate_limit_headers: {admitted: true}", `"600pm";r=9;t=1, "concurrent-api";r=4`,
			`"100ps";q=100;w=1, "600pm";q=600;w=60, "concurrent-api";q=5;qu="concurrent-requests"`},
		{"without the policy", "rate_limit_headers: {admitted: true, ratelimit_policy: false}", `"600pm";r=9;t=1, "concurrent-api";r=4`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := start(t, module(t), configuration(t, strings.TrimPrefix(steps+tt.headers, "\n")))
			r, x := g.do(request("unused"))
			g.must("a request", r, x, admitted)
			for name, want := range map[string]string{"sallyport.ratelimit": tt.limit, "sallyport.ratelimit_policy": tt.policy} {
				if got := string(x.FilterState["wasm."+name]) + string(x.FilterState[name]); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		})
	}
}
