package main_test

import (
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

const (
	stormSize = 800
	// maxVerdicts is what the filter may give in one callback.
	maxVerdicts = 32
)

// storms are ways in which many requests get their verdict at once.
var storms = []struct {
	name   string
	answer upstream.Answer
	want   outcome
	nests  bool // on the host: the guest hears of a response before the next verdict is carried out
}{
	{"refused", slowly(inactive()), outcome{status: 401, reason: "token.inactive"}, true},
	{"admitted", slowly(active()), admitted, false},
	{"timed out", func() upstream.Answer { a := active(); a.Delay = 2 * calloutEnd; return a }(), outcome{status: 503, reason: "introspection.timeout"}, true},
}

// TestVerdictStorm: however many wait for one answer, in one VM or in two, no callback gives more verdicts than the
// bound, all of them come with the answer, and no VM is lost.
func TestVerdictStorm(t *testing.T) {
	for _, tt := range storms {
		t.Run(tt.name, func(t *testing.T) {
			outcomes, most, took := stormOf(t, module(t), tt.answer)
			t.Logf("%d requests on two workers: outcomes %v, at most %d verdicts in one callback, the last one %v after the answer", stormSize, outcomes, most, took)
			if len(outcomes) != 1 || outcomes[tt.want] != stormSize {
				t.Errorf("outcomes %v, want %d times %v", outcomes, stormSize, tt.want)
			}
			if most == 0 || most > maxVerdicts {
				t.Errorf("%d verdicts in one callback, want %d at most", most, maxVerdicts)
			}
			if took > time.Millisecond {
				t.Errorf("the last verdict came %v after the answer, at a tick", took)
			}
		})
	}
}

// TestVerdictStormWithoutItsBound: the same storm on a module whose bound is taken out loses the VM, as it does on Envoy, and
// with it the verdicts that were not yet carried out.
func TestVerdictStormWithoutItsBound(t *testing.T) {
	m := compiled(t, wasmbuild.PackageTags(t, "./filter", "unboundedverdicts"))
	for _, tt := range storms {
		t.Run(tt.name, func(t *testing.T) {
			outcomes, most, _ := stormOf(t, m, tt.answer)
			t.Logf("outcomes %v, at most %d verdicts in one callback", outcomes, most)
			if most <= maxVerdicts {
				t.Errorf("%d verdicts in one callback: the bound is still there", most)
			}
			if lost := outcomes[tt.want] < stormSize; lost != tt.nests {
				t.Errorf("VM lost: %v, want %v", lost, tt.nests)
			}
		})
	}
}

// stormOf has requests on two workers wait for one answer. It gives how they ended, the most verdicts of one callback, and how
// long after the answer the last of them came.
func stormOf(t *testing.T, m *hostsim.Module, answer upstream.Answer) (outcomes map[outcome]int, most int, took time.Duration) {
	t.Helper()
	g := start(t, m, configuration(t, fullSequence), hostsim.WithTrace(), hostsim.WithWorkers(2))
	g.okta.set(answer)
	var waiting []*hostsim.Pending
	for i := range stormSize {
		r := request("storm")
		r.Worker = i % 2
		waiting = append(waiting, g.begin(r))
	}
	g.Advance(min(answer.Delay, calloutEnd))
	outcomes = map[outcome]int{}
	for _, p := range waiting {
		r, x, err := p.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		outcomes[outcomeOf(r, x)]++
	}
	most, took = verdicts(g.Trace())
	return outcomes, most, took
}

// verdicts are the most of one callback, and the time between the first and the last one.
func verdicts(trace []hostsim.TraceEntry) (most int, took time.Duration) {
	inOne := map[int]int{} // by thread, since its callback began
	var first, last time.Time
	for _, e := range trace {
		switch {
		case e.Callback:
			inOne[e.Thread] = 0
		case e.Name == "proxy_send_local_response", e.Name == "proxy_continue_stream":
			inOne[e.Thread]++
			most = max(most, inOne[e.Thread])
			if first.IsZero() {
				first = e.At
			}
			last = e.At
		}
	}
	return most, last.Sub(first)
}
