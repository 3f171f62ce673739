package main_test

import (
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
)

const (
	// floodActive is how many identifiers are active at once: half of the table of
	// spike_arrest, where it says that 1 newcomer in 100 is refused.
	floodActive = 32_768
	// heapBreath, in KiB, is for the guest's collector: what of the identifiers was
	// kept would be many times as much.
	heapBreath = 2 << 10
	// floodVictims send twice every second each: once what their limit lets pass, and
	// once more.
	floodVictims = 64
	// floodRefused is the most of the victims' own messages that the flood may have
	// refused, in all of them: one in 100, and as many again for chance.
	floodRefused = 0.02
)

// TestIdentifierFlood is the short form of TestSoakIdentifierFlood.
func TestIdentifierFlood(t *testing.T) { identifierFlood(t, 135_000) }

// identifierFlood sends so many requests, each with an identifier of its own, to
// the compiled module in two workers, with victims among them.
func identifierFlood(t *testing.T, identifiers int) {
	g := start(t, module(t), configuration(t, `- spike_arrest: {rate: 1ps, burst: 1, per: "header:x-caller"}`), hostsim.WithWorkers(2))
	const between = time.Second/floodActive + 1 // so that each victim's second is over
	var admitted, refused, pairs, early, late int
	var before, after memory
	for i := range identifiers {
		if step := floodActive / floodVictims; i%step == 0 {
			victim := "victim-" + strconv.Itoa(i/step%floodVictims)
			pairs++
			if !g.calls(victim, i) {
				early++
			} else if g.calls(victim, i+1) {
				late++
			}
		}
		if g.calls("caller-"+strconv.Itoa(i), i) {
			admitted++
		} else {
			refused++
		}
		g.Advance(between)
		if step := max(identifiers/10, 2*floodActive); i%step == step-1 {
			after = memoryOf(g)
			if before == (memory{}) {
				before = after
			}
			t.Logf("after %8d identifiers: guests have %v KiB, the shared data's process %d KiB; %d admitted, %d refused; the victims sent %d pairs, %d of them refused early and %d let in twice",
				i+1, after.guests, after.heap>>10, admitted, refused, pairs, early, late)
		}
	}
	if late > 0 {
		t.Errorf("%d messages of the victims passed above their limits", late)
	}
	if float64(early) > floodRefused*float64(pairs) {
		t.Errorf("%d of %d messages of the victims were refused early, want %v of them at most", early, pairs, floodRefused)
	}
	if float64(refused) > floodRefused*float64(identifiers) {
		t.Errorf("%d of %d newcomers were refused, want %v of them at most", refused, identifiers, floodRefused)
	}
	for i := range after.guests {
		if after.guests[i] > before.guests[i]+heapBreath {
			t.Errorf("the guests' memory grew from %v to %v KiB", before.guests, after.guests)
		}
	}
	if after.heap > before.heap+before.heap/4+(8<<20) {
		t.Errorf("the host's memory grew from %d to %d KiB", before.heap>>10, after.heap>>10)
	}
}

// calls reports whether a request of a caller was admitted.
func (g *gateway) calls(caller string, i int) bool {
	g.t.Helper()
	r := request("unused", "x-caller", caller)
	r.Worker = i % 2
	response, _ := g.do(r)
	return response.Status == 200
}

type memory struct {
	guests [3]int // KiB of each VM
	heap   uint64 // bytes in use of the process that is the host
}

func memoryOf(g *gateway) (m memory) {
	for i, bytes := range g.GuestMemory() {
		if i < len(m.guests) {
			m.guests[i] = bytes >> 10
		}
	}
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	m.heap = stats.HeapAlloc
	return m
}
