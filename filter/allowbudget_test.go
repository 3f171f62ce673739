package main_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// Objects that the guest may allocate for a request, on average. The tick, and what is looked at again every second, are
// shared by many.
const (
	allocationsUsual  = 0.1
	allocationsClient = 1 // with a limit for each client: the name of its bucket
)

// budgetCase is a kind of request that comes again and again, and the calls that it may cost the host.
type budgetCase struct {
	name     string
	sequence string
	change   func(*hostsim.Request)
	want     outcome
	calls    map[string]int
	objects  float64          // of the guest's heap
	options  []hostsim.Option // beside the usual ones
}

const (
	forAll    = "- spike_arrest: {rate: 1000000ps, burst: 1000000}\n"
	perClient = "- spike_arrest: {rate: 1000000ps, burst: 1000000, per: client_ip}\n"
	checks    = `
- verify_api_key: {from: [{header: x-api-key}, {query: apikey}]}
- remove_api_key: {}
- introspect_token: {cluster: okta, authority: dev.okta.com, path: /v1/introspect, client_id: gw, client_secret: {env: OKTA_CLIENT_SECRET}, timeout: 1s, cache: {max_ttl: 1h}}
- require_token: {issuer: "https://dev.okta.com", audience: [api://default]}
`
)

// Names of hostcalls, without their prefix.
const (
	callClock     = "get_current_time_nanoseconds"
	callPairs     = "get_header_map_pairs"
	callStatus    = "get_header_map_value"
	callRemove    = "remove_header_map_value"
	callReplace   = "replace_header_map_value"
	callSharedGet = "get_shared_data"
	callSharedSet = "set_shared_data"
	callAttribute = "set_property"
	callProperty  = "get_property"
	callObserve   = "record_metric"
	callReply     = "send_local_response"
)

func budgetCases() []budgetCase {
	set := func(name, value string) func(*hostsim.Request) {
		return func(r *hostsim.Request) {
			for i := range r.Headers {
				if r.Headers[i].Name == name {
					r.Headers[i].Value = value
				}
			}
		}
	}
	refused := func(status int, reason string) outcome { return outcome{status: status, reason: reason} }
	admittedCalls := func(more map[string]int) map[string]int {
		calls := map[string]int{callClock: 3, callPairs: 1, callRemove: 1, callReplace: 6, callObserve: 2, callAttribute: 1, callStatus: 1}
		for name, n := range more {
			calls[name] += n
		}
		return calls
	}
	refusedCalls := func(more map[string]int) map[string]int {
		calls := map[string]int{callClock: 1, callPairs: 1, callReply: 1}
		for name, n := range more {
			calls[name] += n
		}
		return calls
	}
	limit := map[string]int{callSharedSet: 1} // of all messages, that this VM alone counts
	unchanged := func(*hostsim.Request) {}
	return []budgetCase{
		{name: "whole sequence", sequence: forAll + checks, change: unchanged, want: admitted, calls: admittedCalls(limit)},
		{name: "whole sequence, a limit for each client", sequence: perClient + checks, change: unchanged, want: admitted,
			calls: admittedCalls(map[string]int{callSharedGet: 1, callSharedSet: 1, callProperty: 1}), objects: allocationsClient},
		{name: "whole sequence, forged identity", sequence: forAll + checks, change: func(r *hostsim.Request) {
			r.Headers = append(r.Headers, abi.Header{Name: "x-sallyport-app", Value: "forged"}, abi.Header{Name: "x-sallyport-app", Value: "again"})
		}, want: admitted, calls: admittedCalls(map[string]int{callSharedSet: 1, callRemove: 1})},
		{name: "empty sequence", sequence: "  []\n", change: unchanged, want: admitted,
			calls: map[string]int{callClock: 3, callPairs: 1, callObserve: 2, callStatus: 1}},
		{name: "no key", sequence: forAll + checks, change: func(r *hostsim.Request) { r.Headers = r.Headers[1:] },
			want: refused(401, "api_key.missing"), calls: refusedCalls(limit)},
		{name: "an unknown key", sequence: forAll + checks, change: set("x-api-key", "key-of-nobody"),
			want: refused(401, "api_key.unknown"), calls: refusedCalls(limit)},
		{name: "a garbage token", sequence: forAll + checks, change: set("authorization", "Bearer !!!"),
			want: refused(401, "token.malformed"), calls: refusedCalls(map[string]int{callSharedSet: 1, callAttribute: 1})},
		{name: "an inactive token", sequence: forAll + checks, change: unchanged, options: []hostsim.Option{hostsim.WithCluster("okta", inactive())},
			want: refused(401, "token.inactive"), calls: refusedCalls(map[string]int{callSharedGet: 1, callSharedSet: 1, callAttribute: 1})},
		{name: "over the rate", sequence: "- spike_arrest: {rate: 1pm, burst: 1}\n", change: unchanged,
			want: refused(429, "spike_arrest.exceeded"), calls: refusedCalls(map[string]int{callSharedGet: 1})},
		{name: "a path that addresses nothing", sequence: forAll + checks, change: func(r *hostsim.Request) { r.Path = "/nowhere" },
			want: refused(404, "api.unknown"), calls: refusedCalls(nil)},
	}
}

// TestAllowBudget holds what a request may cost: objects of the guest's heap, which wake its garbage collector, and calls
// of the host, kind by kind.
func TestAllowBudget(t *testing.T) {
	for _, c := range budgetCases() {
		t.Run(c.name, func(t *testing.T) {
			g := start(t, countingModule(t), configuration(t, c.sequence), append(c.options, hostsim.WithTrace())...)
			r := request("token-of-jane")
			c.change(&r)
			play := func() hostsim.Exchange {
				response, x := g.do(r)
				g.must("a request", response, x, c.want)
				return x
			}
			const warm, many = 300, 2000
			if c.want.reason == "spike_arrest.exceeded" {
				g.do(r) // is the one that may pass
			}
			for range warm {
				play()
			}
			idle := -allocations(g)
			idle += allocations(g)

			calls := callsByKind(play())
			if diff := cmp.Diff(c.calls, calls); diff != "" {
				t.Errorf("hostcalls of a request (-want +got):\n%s", diff)
			}
			before := allocations(g)
			for range many {
				play()
			}
			each := float64(allocations(g)-before-idle) / many
			budget := max(c.objects, allocationsUsual)
			if each > budget {
				t.Errorf("%.2f objects for a request, budget %v", each, budget)
			}
			sum := 0
			for _, n := range calls {
				sum += n
			}
			t.Logf("%.2f objects for a request, budget %v; %d hostcalls", each, budget, sum)
		})
	}
}

// allocations is how many objects the workers' guest has ever allocated, as it tells with a tick.
func allocations(g *gateway) int { return int(g.metric("sallyport_guest_allocations")) }

func callsByKind(x hostsim.Exchange) map[string]int {
	calls := map[string]int{}
	for _, e := range x.Trace {
		if !e.Callback {
			calls[strings.TrimPrefix(e.Name, "proxy_")]++
		}
	}
	return calls
}
