package hostsim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// seededRun is everything that a run with ticks, callouts, queues and a race for one key showed: all is due at the same
// instants on five threads. first is the thread that won the race.
func seededRun(t *testing.T, seed uint64) (trace []string, threads string, first string) {
	t.Helper()
	h := newHost(t, `configure: qregister q; tick 5
tick: say x; qresolve q; enqueue q m
queue_ready: dequeue q
@a request_headers: call auth 1000; pause
@b request_headers: call auth 1000; pause
http_call_response: effective; get 0 x-script; sdget winner; sdset winner read taken; continue 0`,
		hostsim.WithSeed(seed), hostsim.WithWorkers(4), hostsim.WithTrace(),
		hostsim.WithCluster("auth", upstream.Answer{Delay: 10 * time.Millisecond}))
	var pending []*hostsim.Pending
	for i, name := range []string{"a", "b"} {
		p, err := h.Start(hostsim.Request{Worker: i, Headers: abi.Headers{{Name: "x-script", Value: name}}})
		if err != nil {
			t.Fatal(err)
		}
		pending = append(pending, p)
	}
	h.Advance(20 * time.Millisecond)
	for _, p := range pending {
		if r, _, err := p.Wait(t.Context()); err != nil || r.Status != 200 {
			t.Fatalf("status %d, %v", r.Status, err)
		}
	}
	for _, e := range h.Trace() {
		trace = append(trace, fmt.Sprintf("%v %d %s", e.At, e.Thread, e))
	}
	for _, l := range h.Log() {
		if strings.Contains(l.Message, "tick") && strings.Contains(l.Message, "say x") {
			threads += fmt.Sprint(l.Thread)
		}
		if strings.Contains(l.Message, "sdget winner -> 1") {
			first += fmt.Sprint(l.Thread)
		}
	}
	return trace, threads, first
}

// TestSeed: the seed decides who goes first at the same instant, and nothing else: the same seed leaves the same trace,
// seeds differ in the order of threads, and each thread ticks as often.
func TestSeed(t *testing.T) {
	orders, winners := map[string]bool{}, map[string]bool{}
	for seed := range uint64(12) {
		trace, threads, first := seededRun(t, seed)
		again, _, _ := seededRun(t, seed)
		if !slices.Equal(trace, again) {
			t.Fatalf("seed %d: two runs differ:\n%s\n----\n%s", seed, strings.Join(trace, "\n"), strings.Join(again, "\n"))
		}
		orders[threads], winners[first] = true, true
		for thread := range 5 {
			if n := strings.Count(threads, fmt.Sprint(thread)); n != 4 {
				t.Errorf("seed %d: thread %d ticked %d times, want 4: %s", seed, thread, n, threads)
			}
		}
	}
	if len(orders) < 10 || len(winners) != 2 {
		t.Errorf("12 seeds gave %d orders of threads, and winners %v", len(orders), winners)
	}
	t.Logf("12 seeds: %d orders of threads", len(orders))
}

// TestNoSeed: without one, who was scheduled first is first.
func TestNoSeed(t *testing.T) {
	h := newHost(t, "configure: tick 5\ntick: say x", hostsim.WithWorkers(3))
	h.Advance(10 * time.Millisecond)
	threads := ""
	for _, l := range h.Log() {
		if strings.HasPrefix(l.Message, "tick 1: say x") {
			threads += fmt.Sprint(l.Thread)
		}
	}
	if threads != "01230123" {
		t.Errorf("order of threads %s", threads)
	}
}
