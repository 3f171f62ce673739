package main_test

import (
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
)

// usageReported is what the host knows of calls that the full sequence admits; the clock stands still.
func usageReported(g *gateway) uint64 { return g.Process().Metric(usageAllowed) }

// TestCountersAreReportedWithTheTick, a quarter second after a call at the latest.
func TestCountersAreReportedWithTheTick(t *testing.T) {
	g := start(t, module(t), configuration(t, fullSequence), hostsim.WithWorkers(2))
	const calls = 20
	for i := range calls {
		r := request("token")
		r.Worker = i % 2
		response, x := g.do(r)
		g.must("a call", response, x, admitted)
	}
	if got := usageReported(g); got != 0 {
		t.Errorf("%d calls reported before a tick: each costs a hostcall", got)
	}
	g.Advance(250 * time.Millisecond)
	if got := usageReported(g); got != calls {
		t.Errorf("%d calls reported after a tick, want %d", got, calls)
	}
}

// TestCountersAreReportedWhenTheConfigurationEnds: nothing waits for a tick that will not come.
func TestCountersAreReportedWhenTheConfigurationEnds(t *testing.T) {
	g := start(t, module(t), configuration(t, fullSequence))
	const calls = 3
	for range calls {
		r, x := g.do(request("token"))
		g.must("a call", r, x, admitted)
	}
	g.update(otherIssuer(t))
	g.Drain()
	if got := usageReported(g); got != calls {
		t.Errorf("%d calls reported by the configuration that is gone, want %d", got, calls)
	}
}

// TestAKilledVMLosesOneTickAtMost: what it had reported stays.
func TestAKilledVMLosesOneTickAtMost(t *testing.T) {
	g := start(t, faultyModule(t), configuration(t, fullSequence), hostsim.WithFailurePolicy(hostsim.FailReload))
	play := func(n int) {
		for range n {
			r, x := g.do(request("token"))
			g.must("a call", r, x, admitted)
		}
	}
	play(5)
	g.reported()
	play(2)
	if r, _ := g.do(request("token", "x-inject-panic", "headers fatal")); r.Status != 503 {
		t.Fatalf("status %d: the VM did not crash", r.Status)
	}
	g.Advance(time.Minute)
	if got := usageReported(g); got != 5 {
		t.Errorf("%d calls reported, want the 5 before the last tick", got)
	}
	play(3)
	if got := g.metric(usageAllowed); got != 5+3 {
		t.Errorf("%d calls reported with those of the new VM, want 8", got)
	}
}
