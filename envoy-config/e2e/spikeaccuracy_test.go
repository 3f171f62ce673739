package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario/verbatim"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// accuracyRate is a rate with Sallyport's default burst, and Envoy's token bucket
// that says the same. Its fills are 50 ms apart at least.
type accuracyRate struct {
	word      string
	slot      time.Duration
	burst     int
	fill      time.Duration
	fillCount int
}

var accuracyRates = []accuracyRate{
	{"30pm", 2 * time.Second, 3, 2 * time.Second, 1},
	{"20ps", 50 * time.Millisecond, 2, 50 * time.Millisecond, 1},
	{"500ps", 2 * time.Millisecond, 50, 50 * time.Millisecond, 25},
}

const (
	accuracyLoad    = 5 // times the rate
	accuracyClients = 8
)

// TestSpikeAccuracy is the short form of TestSoakSpikeAccuracy.
func TestSpikeAccuracy(t *testing.T) { spikeAccuracy(t, 4*time.Second, 0.98) }

// spikeAccuracy sends five times as much as may pass, to Sallyport and to Envoy's
// local_ratelimit at once, over two workers each, and compares what passes with
// what is allowed: the rate times the time that all of it took. Beyond that only
// the burst may pass, once, and 2 % for the time between a client's clock and the
// proxy's. fewest is how much of what is allowed must pass at least.
func spikeAccuracy(t *testing.T, duration time.Duration, fewest float64) {
	s := newSite(t, siteOptions{Module: wasmbuild.Package(t, "./filter"), Concurrency: 2, Shared: true})
	for _, rate := range accuracyRates {
		s.serve(plan{name: "gwours" + rate.word, config: policies(t, "- spike_arrest: {rate: "+rate.word+"}"), change: balanced})
		s.serve(plan{name: "gwenvoys" + rate.word, config: policies(t, "  []"), change: func(listener, manager, plugin map[string]any) {
			balanced(listener, manager, plugin)
			filters := manager["http_filters"].([]any)
			filters[0] = rate.localRateLimit()
		}})
	}
	for _, rate := range accuracyRates {
		t.Run(rate.word, func(t *testing.T) {
			t.Parallel() // to each other: but for the last rate, there is next to nothing to do
			var both sync.WaitGroup
			loads := make([]*accuracyRun, 2)
			for i, name := range []string{"gwours" + rate.word, "gwenvoys" + rate.word} {
				address, err := s.envoy.Listener(t.Context(), name)
				if err != nil {
					t.Fatal(err)
				}
				loads[i] = &accuracyRun{address: address, every: rate.slot * accuracyClients / accuracyLoad, duration: duration}
				both.Go(loads[i].run)
			}
			both.Wait()
			for i, load := range loads {
				if load.err != nil {
					t.Fatal(load.err)
				}
				allowed := float64(load.elapsed) / float64(rate.slot)
				beyond := (float64(load.admitted) - float64(rate.burst)) / allowed
				t.Logf("%-14s %4s for %v: sent %6d, allowed %8.1f, admitted %6d: %.4f of it, and %.4f without the burst of %d",
					[]string{"sallyport", "local_ratelimit"}[i], rate.word, load.elapsed.Round(time.Millisecond), load.sent, allowed,
					load.admitted, float64(load.admitted)/allowed, beyond, rate.burst)
			}
			// A sender that a busy machine has held up has sent in bursts, which no limiter may let in: Envoy's own limiter,
			// beside in the same run, then has let in as few, give or take the burst.
			load := loads[0]
			allowed := float64(load.elapsed) / float64(rate.slot)
			low := min(fewest*allowed, float64(loads[1].admitted-rate.burst))
			if high := 1.02*allowed + float64(rate.burst); float64(load.admitted) < low || float64(load.admitted) > high {
				t.Errorf("%d admitted, want %.1f to %.1f", load.admitted, low, high)
			}
		})
	}
}

// localRateLimit is Envoy's own filter, with one bucket for all workers.
func (r accuracyRate) localRateLimit() any {
	always := map[string]any{"default_value": map[string]any{"numerator": 100, "denominator": "HUNDRED"}}
	return map[string]any{
		"name": "envoy.filters.http.local_ratelimit",
		"typed_config": map[string]any{
			"@type":       "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
			"stat_prefix": "beside",
			"token_bucket": map[string]any{
				"max_tokens": max(r.burst, r.fillCount), "tokens_per_fill": r.fillCount, "fill_interval": fmt.Sprintf("%.3fs", r.fill.Seconds()),
			},
			"filter_enabled": always, "filter_enforced": always,
		},
	}
}

// accuracyRun is clients that send one request every so often each, whatever the
// answers take; one that was held up catches up.
type accuracyRun struct {
	address         string
	every, duration time.Duration

	mu             sync.Mutex
	sent, admitted int
	elapsed        time.Duration
	err            error
}

func (r *accuracyRun) run() {
	begin := time.Now()
	var clients sync.WaitGroup
	for i := range accuracyClients {
		clients.Go(func() {
			sent, admitted, err := r.client(begin, time.Duration(i)*r.every/accuracyClients)
			r.mu.Lock()
			defer r.mu.Unlock()
			r.sent, r.admitted = r.sent+sent, r.admitted+admitted
			if err != nil {
				r.err = err
			}
		})
	}
	clients.Wait()
	r.elapsed = time.Since(begin)
}

func (r *accuracyRun) client(begin time.Time, offset time.Duration) (sent, admitted int, err error) {
	conn, err := net.Dial("tcp", r.address)
	if err != nil {
		return 0, 0, err
	}
	defer conn.Close()
	in, wire := bufio.NewReader(conn), verbatim.OnWire(request("token"))
	for next := offset; next < r.duration; next += r.every {
		time.Sleep(next - time.Since(begin))
		if _, err := io.WriteString(conn, wire); err != nil {
			return sent, admitted, err
		}
		response, err := verbatim.ReadResponse(in, "GET")
		if err != nil {
			return sent, admitted, err
		}
		sent++
		switch response.Status {
		case 200:
			admitted++
		case 429:
		default:
			return sent, admitted, fmt.Errorf("status %d", response.Status)
		}
	}
	return sent, admitted, nil
}
