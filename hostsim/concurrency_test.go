package hostsim_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// TestHammer has requests on all workers at once count up one key by compare-and-swap, send to one queue and wait for
// callouts, on both kinds of clock.
func TestHammer(t *testing.T) {
	const workers, requests, adds = 8, 20, 25
	for name, clock := range map[string]hostsim.Clock{"fake clock": hostsim.NewFakeClock(hostsim.DefaultStart), "real clock": hostsim.RealClock()} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, fmt.Sprintf(`configure: qregister q; tick 5; metric served 0; metric told 0
tick: sdget n
request_headers: sdadd n %d; qresolve q; enqueue q m; call auth 5000; pause
queue_ready: dequeue q; increment told 1
http_call_response: effective; increment served 1; continue 0`, adds),
				hostsim.WithClock(clock), hostsim.WithWorkers(workers), hostsim.WithCluster("auth", upstream.Answer{Delay: time.Millisecond}))
			h.Process().SetSharedData("", "n", []byte("0"))
			var wg sync.WaitGroup
			for w := range workers {
				wg.Go(func() {
					for range requests {
						// One at a time on each worker, as the guest remembers one waiting stream.
						r, _, err := h.Do(t.Context(), hostsim.Request{Worker: w})
						if err != nil || r.Status != 200 {
							t.Errorf("worker %d: status %d, %v", w, r.Status, err)
						}
					}
				})
			}
			wg.Wait()
			p := h.Process()
			if got, want := string(p.SharedData("")["n"]), strconv.Itoa(workers*requests*adds); got != want {
				t.Errorf("counted %s, want %s", got, want)
			}
			if got := p.Metric("served"); got != workers*requests {
				t.Errorf("%d served, want %d", got, workers*requests)
			}
			p.Advance(20 * time.Millisecond)
			if got := p.Metric("told"); got != workers*requests {
				t.Errorf("told of %d messages, want %d", got, workers*requests)
			}
			if left, _ := p.Queue("", "q"); len(left) != 0 {
				t.Errorf("%d messages left", len(left))
			}
		})
	}
}

// TestSameSeedSameRun: two runs on a fake clock leave the same trace.
func TestSameSeedSameRun(t *testing.T) {
	run := func() string {
		h := newHost(t, "configure: tick 7\ntick: sdadd n 1\nrequest_headers: pairs 0; call auth 100; pause\nhttp_call_response: time; effective; continue 0",
			hostsim.WithWorkers(3), hostsim.WithTrace(), hostsim.WithCluster("auth", upstream.Answer{Delay: 50 * time.Millisecond}))
		for w := range 3 {
			do(t, h, hostsim.Request{Worker: w})
		}
		out := said(h.Log())
		for _, e := range h.Trace() {
			out += fmt.Sprintf("%v %d %s\n", e.At, e.Thread, e)
		}
		return out
	}
	if a, b := run(), run(); a != b {
		t.Errorf("two runs differ:\n%s\n----\n%s", a, b)
	}
}

func TestCloseWithWorkInTheAir(t *testing.T) {
	h, err := scriptedModule(t).New(t.Context(), hostsim.WithConfig([]byte("configure: tick 1\nrequest_headers: call auth 60000; pause")),
		hostsim.WithClock(hostsim.RealClock()), hostsim.WithCluster("auth", upstream.Answer{Wait: func(ctx context.Context) upstream.Answer {
			<-ctx.Done()
			return upstream.Answer{}
		}}))
	if err != nil {
		t.Fatal(err)
	}
	s, err := h.NewStream(0, hostsim.StreamInfo{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RequestHeaders(abi.Headers{{Name: ":path", Value: "/"}}, true); err != nil {
		t.Fatal(err)
	}
	if err := h.Process().Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.NewStream(0, hostsim.StreamInfo{}); err == nil {
		t.Error("a closed host took a stream")
	}
}
