package main_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// TestOktaOutageIsKnownToAllWorkers: what one worker learned keeps the others from calling, and of all of them one sends
// the probe.
func TestOktaOutageIsKnownToAllWorkers(t *testing.T) {
	const workers = 4
	config := strings.Replace(fullSequence, "{cluster: okta,", "{breaker: {failures: 2, open_for: 1s}, cluster: okta,", 1)
	g := start(t, module(t), configuration(t, config), hostsim.WithWorkers(workers))
	g.okta.set(upstream.Respond(500, ""))
	on := func(worker int, token string) hostsim.Request {
		r := request(token)
		r.Worker = worker
		return r
	}
	for worker := range 2 {
		r, x := g.do(on(worker, fmt.Sprintf("first-%d", worker)))
		g.must("before it is open", r, x, outcome{status: 503, reason: "introspection.server_error"})
	}
	open := outcome{status: 503, reason: "introspection.circuit_open"}
	for worker := range workers {
		r, x := g.do(on(worker, "second"))
		g.must(fmt.Sprintf("on worker %d", worker), r, x, open)
	}
	g.Advance(time.Second)
	slow := active()
	slow.Delay = calloutEnd / 2
	g.okta.set(slow)
	before := len(g.Process().Calls())
	probe := g.begin(on(2, "third"))
	for worker := range workers {
		r, x := g.do(on(worker, fmt.Sprintf("fourth-%d", worker)))
		g.must(fmt.Sprintf("beside the probe, on worker %d", worker), r, x, open)
	}
	g.ends("the probe", probe, admitted)
	if calls := len(g.Process().Calls()) - before; calls != 1 {
		t.Errorf("%d probes, want 1", calls)
	}
	r, x := g.do(on(3, "fifth"))
	g.must("after it", r, x, admitted)
}

// TestOktaOutageGivesLostPlacesBack: the places of calls whose end is never told, as when their VM is gone, are free
// again a little after their time.
func TestOktaOutageGivesLostPlacesBack(t *testing.T) {
	const places = 3
	config := strings.Replace(fullSequence, "{cluster: okta,", fmt.Sprintf("{max_in_flight: %d, cluster: okta,", places), 1)
	g := start(t, module(t), configuration(t, config), hostsim.WithWorkers(2))
	g.okta.set(upstream.Fail(upstream.FaultNever))
	var lost []*hostsim.Pending
	for i := range places {
		lost = append(lost, g.begin(request(fmt.Sprintf("lost-%d", i))))
	}
	g.okta.set(active())
	other := request("other")
	other.Worker = 1
	began := g.Clock().Now()
	for {
		r, x := g.do(other)
		if outcomeOf(r, x) == admitted {
			break
		}
		g.must("while the places are taken", r, x, outcome{status: 503, reason: "introspection.overloaded"})
		g.Advance(100 * time.Millisecond)
		if g.Clock().Now().Sub(began) > time.Minute {
			t.Fatal("the places never came back")
		}
	}
	took := g.Clock().Now().Sub(began)
	t.Logf("%d places came back after %v", places, took)
	if took < calloutEnd || took > calloutEnd+2*time.Second {
		t.Errorf("after %v, want %v to %v", took, calloutEnd, calloutEnd+2*time.Second)
	}
	for _, p := range lost {
		g.ends("who waited for a lost call", p, outcome{status: 503, reason: "introspection.deadline"})
	}
}
