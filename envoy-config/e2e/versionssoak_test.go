//go:build soak && linux

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/envoy-config/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

const (
	soakRequests = 2_000_000
	soakClients  = 16
	soakBatch    = 100_000 // the backend remembers what it saw until it is asked
	// soakWarmup is how many requests come before memory is first looked at: Envoy's buffers and V8's heap grow at first.
	soakWarmup = 200_000
	// requestGrowth is how much memory may then still be added, and is what an allocator moves by itself.
	requestGrowth = 1.1
)

// TestSoakVersions sends two million requests through the oldest and the newest Envoy: admitted ones, some with a token
// that is not active, some without a key. No VM may fail, and memory stays what it is.
func TestSoakVersions(t *testing.T) {
	for _, version := range []string{"1.36.4", envoyrun.Version} {
		t.Run(version, func(t *testing.T) {
			binary, err := envoyrun.FindVersion(version)
			if err != nil {
				t.Fatal(err)
			}
			t.Setenv("ENVOY", binary)
			s := newSite(t, Options{Module: wasmbuild.Filter(t), Concurrency: 2})
			s.serve(plan{name: "gw", config: policies(t, fullSequence)})
			began := time.Now()
			got := map[int]int{}
			s.load(soakWarmup, got)
			early := resident(t, s.envoy.PID())
			s.load(soakRequests-soakWarmup, got)
			late, took := resident(t, s.envoy.PID()), time.Since(began)
			t.Logf("Envoy %s: %d requests in %v, outcomes %v; envoy has %d KiB after %d of them, %d KiB after all",
				version, soakRequests, took.Round(time.Second), got, early, soakWarmup, late)
			if float64(late) > requestGrowth*float64(early) {
				t.Error("envoy grew")
			}
			want := map[int]int{200: soakRequests * 8 / 10, 401: soakRequests * 2 / 10}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("outcomes %v, want %v", got, want)
			}
			stats := s.stats()
			if n := stats[metricPrefix+"sallyport_panics"]; n != 0 {
				t.Errorf("%d panics", n)
			}
			for name, n := range stats {
				if strings.HasPrefix(name, "wasm.") && strings.Contains(name, "crash") && n > 0 {
					t.Errorf("%s is %d", name, n)
				}
			}
			if log := envoyrun.Warnings(s.envoy.Log().Since(0)); strings.Contains(log, "VM failed") || strings.Contains(log, "Wasm VM") {
				t.Errorf("envoy's log: %s", log)
			}
		})
	}
}

// load sends n requests, a multiple of soakBatch, over a few connections that stay open for a batch, and counts the
// statuses.
func (s *site) load(n int, counts map[int]int) {
	s.t.Helper()
	address, err := s.envoy.Listener(s.t.Context(), "gw")
	if err != nil {
		s.t.Fatal(err)
	}
	good, inactive := onWire(request("soak")), onWire(request(inactivePrefix+"soak"))
	noKey := onWire(scenario.Request{Method: "GET", Target: "/customers/v1/orders/7", Headers: []scenario.Header{{Name: "host", Value: "api.example.com"}}})
	texts := []string{good, good, good, good, inactive, good, good, good, good, noKey}
	for ; n > 0; n -= soakBatch {
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range soakClients {
			wg.Go(func() {
				own, err := stream(address, texts, soakBatch/soakClients)
				mu.Lock()
				defer mu.Unlock()
				for status, k := range own {
					counts[status] += k
				}
				if err != nil {
					s.t.Errorf("a connection broke: %v", err)
				}
			})
		}
		wg.Wait()
		s.backend.take()
	}
}

// stream sends n requests on one connection, one after the other, and reads each answer.
func stream(address string, texts []string, n int) (map[int]int, error) {
	counts := map[int]int{}
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return counts, err
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for i := range n {
		if _, err := io.WriteString(conn, texts[i%len(texts)]); err != nil {
			return counts, err
		}
		response, err := readResponse(in, "GET")
		if err != nil {
			return counts, err
		}
		counts[response.Status]++
	}
	return counts, nil
}
