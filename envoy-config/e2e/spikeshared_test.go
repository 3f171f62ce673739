package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/verbatim"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// TestSpikeShared: two workers share one limit. Clients send as fast as they are answered, so that there are always
// more requests than may pass, over connections of which Envoy gives each worker the same number. From before the
// first request to after the last response,
//
//	admitted <= burst + floor(elapsed / T),  T = period / rate
//
// with nothing added for the number of workers. (Why this holds for every span: the test of the same name in filter.)
func TestSpikeShared(t *testing.T) {
	const (
		perMinute, burst = 18_000, 300
		slot             = time.Minute / perMinute
		workers, clients = 2, 8
		duration         = 3 * time.Second
	)
	s := newSite(t, siteOptions{Module: wasmbuild.Package(t, "./filter"), Concurrency: workers})
	s.serve(plan{
		name: "gw", config: policies(t, fmt.Sprintf("- spike_arrest: {rate: %dpm, burst: %d}", perMinute, burst)),
		change: func(listener, _, _ map[string]any) {
			listener["connection_balance_config"] = map[string]any{"exact_balance": map[string]any{}}
		},
	})
	address, err := s.envoy.Listener(t.Context(), "gw")
	if err != nil {
		t.Fatal(err)
	}
	all := make([]*spikeClient, clients)
	for i := range all {
		all[i] = &spikeClient{}
		if all[i].conn, err = net.Dial("tcp", address); err != nil {
			t.Fatal(err)
		}
		defer all[i].conn.Close()
		all[i].worker = s.workerOf(i + 1)
	}

	start := time.Now()
	var done sync.WaitGroup
	for _, c := range all {
		done.Go(func() { c.hammer(start.Add(duration)) })
	}
	done.Wait()
	elapsed := time.Since(start)

	admitted, refused := map[string]int{}, map[string]int{}
	passed := 0
	for _, c := range all {
		if c.err != nil {
			t.Error(c.err)
		}
		admitted[c.worker] += c.statuses[200]
		refused[c.worker] += c.statuses[429]
		passed += c.statuses[200]
		if len(c.statuses) > 2 || c.statuses[200]+c.statuses[429] == 0 {
			t.Errorf("statuses %v, want 200 and 429 alone", c.statuses)
		}
	}
	bound := burst + int(elapsed/slot)
	t.Logf("in %v: %d admitted, bound %d; by worker %v, and %v refused", elapsed, passed, bound, admitted, refused)
	if passed > bound {
		t.Errorf("%d admitted, more than the bound of %d", passed, bound)
	}
	// Limits of the workers' own, twice as much together, must not have been able to stay below the bound.
	if 4*passed < 3*bound {
		t.Errorf("%d admitted: too few for a bound of %d to mean anything", passed, bound)
	}
	for i := range workers {
		if worker := fmt.Sprintf("worker_%d", i); admitted[worker] == 0 || refused[worker] == 0 {
			t.Errorf("%s admitted %d and refused %d, want some of both", worker, admitted[worker], refused[worker])
		}
	}
	if backend := s.backend.Total(); backend != uint64(passed) {
		t.Errorf("the backend saw %d requests, and %d clients' requests were admitted", backend, passed)
	}
}

// workerOf is the worker that has taken the last of n connections, all opened one after the other.
func (s *site) workerOf(n int) string {
	s.t.Helper()
	before := s.connections
	s.until("a worker has the connection", func(now envoyrun.Stats) bool {
		s.connections = map[string]uint64{}
		total := uint64(0)
		for name, value := range now.Number {
			if at := connectionsOfWorker.FindStringSubmatch(name); at != nil {
				s.connections[at[1]] = value
				total += value
			}
		}
		return total == uint64(n)
	})
	for worker, value := range s.connections {
		if value > before[worker] {
			return worker
		}
	}
	s.t.Fatalf("no worker has connection %d: %v, before %v", n, s.connections, before)
	return ""
}

var connectionsOfWorker = regexp.MustCompile(`^listener\.127\.0\.0\.1_\d+\.(worker_\d+)\.downstream_cx_total$`)

// spikeClient is one connection.
type spikeClient struct {
	conn     net.Conn
	worker   string
	statuses map[int]int
	err      error
}

// hammer sends one request after the other until the time comes.
func (c *spikeClient) hammer(until time.Time) {
	c.statuses = map[int]int{}
	in := bufio.NewReader(c.conn)
	wire := verbatim.OnWire(request("token"))
	for time.Now().Before(until) {
		if _, c.err = io.WriteString(c.conn, wire); c.err != nil {
			return
		}
		response, err := verbatim.ReadResponse(in, "GET")
		if err != nil {
			c.err = err
			return
		}
		c.statuses[response.Status]++
	}
}
