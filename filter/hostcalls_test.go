package main_test

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
)

// maxHostcalls bounds the hostcalls of a request that the full sequence admits with an answer from the cache.
const maxHostcalls = 14

// TestHostcallBudget counts them, with a header to strip and every identity header to set.
func TestHostcallBudget(t *testing.T) {
	g := start(t, module(t), configuration(t, fullSequence), hostsim.WithTrace())
	r := request("token", "x-sallyport-app", "forged")
	r.Path += "?apikey2=1"
	response, x := g.do(r)
	g.must("the first request", response, x, admitted)
	t.Logf("introspected: %d hostcalls of the request, %d in all", x.Hostcalls, x.AllHostcalls)

	response, x = g.do(r)
	g.must("the second request", response, x, admitted)
	if len(x.Calls) != 0 {
		t.Fatal("the second request's token was not in the cache")
	}
	callbacks := 0
	for _, e := range x.Trace {
		t.Log(e)
		if e.Callback {
			callbacks++
		}
	}
	t.Logf("cached: %d hostcalls of the request, %d in all, budget %d; %d callbacks", x.Hostcalls, x.AllHostcalls, maxHostcalls, callbacks)
	if x.AllHostcalls > maxHostcalls || x.Hostcalls == 0 {
		t.Errorf("%d hostcalls, budget %d", x.AllHostcalls, maxHostcalls)
	}
}
