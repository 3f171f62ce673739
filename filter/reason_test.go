package main_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// Here are the reasons that no scenario can show: see provenElsewhere.

// TestReasonIntrospectionDeadline: a host that forgets a call altogether does not hang the request.
func TestReasonIntrospectionDeadline(t *testing.T) {
	g := start(t, module(t), configuration(t, fullSequence))
	g.okta.set(upstream.Fail(upstream.FaultNever))
	r, x := g.do(request("forgotten"))
	g.must("a forgotten call", r, x, outcome{status: 503, reason: "introspection.deadline"})
	if after, ok := r.Headers.Get("retry-after"); !ok || after == "0" {
		t.Errorf("retry-after is %q", after)
	}
	const most = calloutEnd + 500*time.Millisecond + 250*time.Millisecond // the margin and one tick
	if x.Elapsed <= calloutEnd || x.Elapsed > most {
		t.Errorf("ended after %v, want more than the callout's own %v and %v at most", x.Elapsed, calloutEnd, most)
	}
	t.Logf("ended after %v", x.Elapsed)

	g.okta.set(active())
	g.Advance(2 * time.Second)
	r, x = g.do(request("forgotten"))
	g.must("the same token later", r, x, admitted)
}

// TestForgottenCallIsServedStale: such a call is an outage like others, so what was known before serves, if it may.
func TestForgottenCallIsServedStale(t *testing.T) {
	option := "{stale_if_error: 5m, cache: {max_ttl: 1s}, cluster: okta,"
	g := start(t, module(t), configuration(t, strings.Replace(fullSequence, "{cluster: okta,", option, 1)))
	r, x := g.do(request("forgotten"))
	g.must("the server answers", r, x, admitted)
	g.Advance(2 * time.Second)
	g.okta.set(upstream.Fail(upstream.FaultNever))
	r, x = g.do(request("forgotten"))
	g.must("a forgotten call", r, x, admitted)
	if x.Elapsed <= calloutEnd {
		t.Errorf("ended after %v, before the callout's own %v", x.Elapsed, calloutEnd)
	}
}

// TestReasonIntrospectionOverloaded: calls in the air are bounded, and so are those who wait for one of them.
func TestReasonIntrospectionOverloaded(t *testing.T) {
	const maxInFlight, maxFlights, maxWaiters = 64, 256, 1024 // the default, and introspection's own bounds
	each := func(i int) string { return fmt.Sprintf("token-%d", i) }
	tests := []struct {
		name   string
		option string
		token  func(i int) string
		bound  int
		calls  int
	}{
		{"a call for each of too many tokens", "", each, maxInFlight, maxInFlight},
		{"more calls than one VM keeps account of", "max_in_flight: 1024, ", each, maxFlights, maxFlights},
		{"too many who wait for one token", "", func(int) string { return "one-token" }, maxWaiters, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := start(t, module(t), configuration(t, strings.Replace(fullSequence, "{cluster: okta,", "{"+tt.option+"cluster: okta,", 1)))
			slow := active()
			slow.Delay = calloutEnd / 2
			g.okta.set(slow)
			var waiting []*hostsim.Pending
			for i := range tt.bound {
				waiting = append(waiting, g.begin(request(tt.token(i))))
			}
			r, x := g.do(request(tt.token(tt.bound)))
			g.must("one too many", r, x, outcome{status: 503, reason: "introspection.overloaded"})
			if x.Elapsed != 0 || len(g.Process().Calls()) != tt.calls {
				t.Errorf("took %v and %d calls, want none and %d", x.Elapsed, len(g.Process().Calls()), tt.calls)
			}
			for _, p := range waiting {
				g.ends("one that was in time", p, admitted)
			}
			r, x = g.do(request("later"))
			g.must("one later", r, x, admitted)
		})
	}
}

// TestReasonSpikeArrestUnavailable: a counter that cannot be read or that rivals always change first refuses. It runs
// on the native driver: hostsim and Envoy let nobody between a guest's get and its set.
func TestReasonSpikeArrestUnavailable(t *testing.T) {
	tests := []struct {
		name string
		hook memstore.Hook
	}{
		{"the host's shared data fails", func(memstore.Operation, string) error { return errors.New("broken") }},
		{"a rival is faster each time", func(op memstore.Operation, _ string) error {
			if op != memstore.Set {
				return nil
			}
			return sharedtable.ErrCASMismatch
		}},
	}
	const text = `One request.
-- config.yaml --
version: 1
apis: [{name: a, version: v1, base_path: /a}]
sequence: [{spike_arrest: {rate: 10ps}}]
-- request --
GET /a HTTP/1.1
host: api.example.com
-- response --
503
content-type: application/json
cache-control: no-store
x-sallyport-reason: spike_arrest.unavailable
retry-after: ~[1-9][0-9]*

~.*sallyport\.SpikeArrestUnavailable.*
-- metrics --
sallyport_decisions.sp_decision=deny|sp_reason=spike_arrest.unavailable| +1
`
	f, err := scenario.Parse("unavailable.txtar", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			report, err := scenario.Run(t.Context(), f, nativeDriver{sharedData: tt.hook})
			if err != nil {
				t.Fatal(err)
			}
			if !report.OK() {
				t.Error(report)
			}
		})
	}
}
