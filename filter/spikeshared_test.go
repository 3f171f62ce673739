package main_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/event"
)

// spikeLimit is a limit of rate messages a minute: a slot T becomes free each minute/rate, rounded up to a nanosecond.
type spikeLimit struct{ rate, burst int }

func (l spikeLimit) slot() time.Duration {
	return (time.Minute + time.Duration(l.rate) - 1) / time.Duration(l.rate)
}

// bound is the most that may be admitted in a span of this length.
func (l spikeLimit) bound(span time.Duration) int { return l.burst + int(span/l.slot()) }

func (l spikeLimit) sequence() string {
	return fmt.Sprintf("- spike_arrest: {rate: %dpm, burst: %d}", l.rate, l.burst)
}

// TestSpikeShared: workers share one limit. The bound, over every span of time that begins and ends with an admitted
// request, on whichever workers those ran:
//
//	admitted <= burst + floor(elapsed / T),  T = period / rate
//
// exactly, with nothing added for the number of workers: each admission is a compare-and-swap of the one arrival time
// that all workers read, and it moves that time T ahead. So n admissions put it (n-1)*T or more past the first of them,
// and the last one was admitted no more than (burst-1)*T early: (n-1)*T <= (burst-1)*T + elapsed. (The proof for other
// weights and for damaged counters: the package documentation of spikearrest.)
//
// The other way round nothing is lost either: one worker alone would have admitted the same requests.
func TestSpikeShared(t *testing.T) {
	const seeds, requests, workers = 20, 400, 2
	total, at := 0, map[int]int{}
	for seed := range uint64(seeds) {
		random := rand.New(rand.NewPCG(seed, 1))
		limit := spikeLimit{rate: 1 + random.IntN(100_000), burst: 1 + random.IntN(50)}
		shared := start(t, module(t), configuration(t, limit.sequence()), hostsim.WithWorkers(workers))
		alone := start(t, module(t), configuration(t, limit.sequence()))
		var times []time.Time
		for i := range requests {
			worker := random.IntN(workers)
			if pause := time.Duration(random.Int64N(int64(limit.slot()))); random.IntN(4) == 0 {
				shared.Advance(pause)
				alone.Advance(pause)
			}
			passed := shared.passes(worker)
			if passed {
				times = append(times, shared.Clock().Now())
				at[worker]++
			}
			if want := alone.passes(0); passed != want {
				t.Fatalf("seed %d, %+v: request %d on worker %d admitted %v, and on one worker alone %v", seed, limit, i, worker, passed, want)
			}
		}
		limit.hold(t, fmt.Sprintf("seed %d", seed), times)
		total += len(times)
	}
	t.Logf("%d of %d requests admitted, by worker %v; no span admitted more than its bound", total, seeds*requests, at)
	if len(at) != workers {
		t.Errorf("only the workers %v admitted anything", at)
	}
}

// TestSpikeSharedAtOnce has the workers run at the same time, so that they do lose compare-and-swaps to each other.
func TestSpikeSharedAtOnce(t *testing.T) {
	const workers, requests, rounds = 4, 300, 5
	limit := spikeLimit{rate: 60, burst: 37}
	g := start(t, module(t), configuration(t, limit.sequence()), hostsim.WithWorkers(workers))
	admitted := 0
	for round := range rounds {
		passed := make([]int, workers)
		var all sync.WaitGroup
		for worker := range workers {
			all.Go(func() {
				for range requests {
					if g.passes(worker) {
						passed[worker]++
					}
				}
			})
		}
		all.Wait()
		for _, n := range passed {
			admitted += n
		}
		elapsed := time.Duration(round) * 10 * time.Second
		if want := limit.bound(elapsed); admitted != want {
			t.Errorf("after %v %d requests admitted, want the bound of %d and no less, as there were always more", elapsed, admitted, want)
		}
		t.Logf("after %v: %d admitted in all, %v of them now, by worker", elapsed, admitted, passed)
		g.Advance(10 * time.Second)
	}
}

// hold checks every span that begins and ends with an admission.
func (l spikeLimit) hold(t *testing.T, what string, times []time.Time) {
	t.Helper()
	for first := range times {
		for last := first; last < len(times); last++ {
			n, span := last-first+1, times[last].Sub(times[first])
			if n > l.bound(span) {
				t.Fatalf("%s, %+v: %d admitted within %v, bound %d", what, l, n, span, l.bound(span))
			}
		}
	}
}

// passes sends a request and leaves before the backend answers, so that the clock stands still.
func (g *gateway) passes(worker int) bool {
	s, err := g.NewStream(worker, hostsim.StreamInfo{})
	if err != nil {
		g.t.Error(err)
		return false
	}
	defer s.ClientGone()
	err = s.RequestHeaders(abi.Headers{{Name: ":method", Value: "GET"}, {Name: ":path", Value: "/customers/v1/"}, {Name: ":authority", Value: "api.example.com"}}, true)
	if err != nil {
		g.t.Error(err)
	}
	next, _ := s.Poll()
	return next.Kind == event.ToUpstreamHeaders
}
