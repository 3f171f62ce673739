package main_test

import (
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
)

// maxHostcalls bounds the hostcalls of a request that the full sequence admits with an answer from the cache, under the
// default configuration: each header that changes is a call of its own. What an operator asks for besides is counted apart.
const maxHostcalls = 19

// TestHostcallBudget counts them, with a header to strip and every identity header to set.
func TestHostcallBudget(t *testing.T) {
	base := configuration(t, fullSequence)
	everything := strings.Replace(string(base), `"version":1}`,
		`"usage":{"attributes":["app","product","api","version","key","decision","reason","subject"]},"version":1}`, 1)
	for _, tt := range []struct {
		name   string
		config []byte
		budget int
	}{
		{"default", base, maxHostcalls},
		{"with every attribute", []byte(everything), maxHostcalls + 6}, // the reason is a refusal's, and the app is there by default
	} {
		t.Run(tt.name, func(t *testing.T) { hostcallBudget(t, tt.config, tt.budget) })
	}
}

func hostcallBudget(t *testing.T, config []byte, budget int) {
	g := start(t, module(t), config, hostsim.WithTrace())
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
	t.Logf("cached: %d hostcalls of the request, %d in all, budget %d; %d callbacks", x.Hostcalls, x.AllHostcalls, budget, callbacks)
	if x.AllHostcalls > budget || x.Hostcalls == 0 {
		t.Errorf("%d hostcalls, budget %d", x.AllHostcalls, budget)
	}
}
