//go:build soak && linux

package e2e

import (
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/fidelity"
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
	for _, version := range []string{fidelity.Versions[0], envoyrun.Version} {
		t.Run(version, func(t *testing.T) {
			binary, err := envoyrun.FindVersion(version)
			if err != nil {
				t.Fatal(err)
			}
			t.Setenv("ENVOY", binary)
			s := newSite(t, siteOptions{Module: wasmbuild.Package(t, "./filter"), Concurrency: 2})
			s.serve(plan{name: "gw", config: policies(t, fullSequence)})
			began := time.Now()
			got := map[outcome]int{}
			s.load(soakWarmup, got)
			early := resident(t, s.envoy.PID())
			s.load(soakRequests-soakWarmup, got)
			late, took := resident(t, s.envoy.PID()), time.Since(began)
			t.Logf("Envoy %s: %d requests in %v, outcomes %v; envoy has %d KiB after %d of them, %d KiB after all",
				version, soakRequests, took.Round(time.Second), got, early, soakWarmup, late)
			if float64(late) > requestGrowth*float64(early) {
				t.Error("envoy grew")
			}
			want := map[outcome]int{
				admitted: soakRequests * 8 / 10, inactive: soakRequests / 10, {401, "api_key.missing"}: soakRequests / 10,
			}
			if !maps.Equal(got, want) {
				t.Errorf("outcomes %v, want %v", got, want)
			}
			s.wantUnharmed()
		})
	}
}

// load sends n requests, a multiple of soakBatch, over a few connections, one after the other on each, and counts how
// they end.
func (s *site) load(n int, outcomes map[outcome]int) {
	s.t.Helper()
	withoutKey := request("soak")
	withoutKey.Headers = slices.DeleteFunc(withoutKey.Headers, func(h scenario.Header) bool { return h.Name == "x-api-key" })
	kinds := slices.Concat(
		slices.Repeat([]scenario.Request{request("soak")}, 8), []scenario.Request{request(inactivePrefix + "soak"), withoutKey},
	)
	clients := s.gather(soakClients).clients
	for ; n > 0; n -= soakBatch {
		var mu sync.Mutex
		var done sync.WaitGroup
		for _, c := range clients {
			done.Go(func() {
				for i := range soakBatch / soakClients {
					_ = c.conn.SetDeadline(time.Now().Add(patience))
					c.send(kinds[i%len(kinds)])
					if c.receive(); c.err != nil {
						s.t.Errorf("a connection broke: %v", c.err)
						return
					}
					mu.Lock()
					outcomes[c.got]++
					mu.Unlock()
				}
			})
		}
		done.Wait()
		s.backend.Take()
	}
}
