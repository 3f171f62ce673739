package e2e

import (
	"bufio"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/verbatim"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

const (
	stampedeSize   = 500
	stampedeAnswer = 300 * time.Millisecond // what the authorization server takes
)

// TestStampede: 500 requests at once, with one token that nobody has seen before, on two workers, and an authorization
// server that takes its time. One call is made, and all get its answer.
func TestStampede(t *testing.T) {
	s := newStampedeSite(t, wasmbuild.Package(t, "./filter"))
	for _, tt := range []struct {
		name, token string
		want        outcome
	}{
		{"active", "stampede", admitted},
		{"inactive", inactivePrefix + "stampede", inactive},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := s.on(t)
			herd := s.gather(stampedeSize)
			took := herd.run(request(tt.token))
			statuses := herd.outcomes(t)
			t.Logf("%d requests on two workers, %d calls, outcomes %v, in %v", stampedeSize, s.authority.asked(tt.token), statuses, took.Round(time.Millisecond))
			if n := s.authority.asked(tt.token); n != 1 {
				t.Errorf("%d calls, want 1", n)
			}
			if len(statuses) != 1 || statuses[tt.want] != stampedeSize {
				t.Errorf("outcomes %v, want %d times %v", statuses, stampedeSize, tt.want)
			}
		})
	}
}

// TestStampedeWithALostVM: the VM that makes the call dies while it is in the air. The other worker asks instead, and
// no request hangs. Those of the VM that died are for Envoy to end: it leaves them paused until the connection manager's
// own time for a request is over.
func TestStampedeWithALostVM(t *testing.T) {
	s := newStampedeSite(t, wasmbuild.PackageTags(t, "./filter", "faultinjection"))
	const token = "orphan"
	herd := &herd{}
	for i := range 20 {
		c := s.gather(1).clients[0]
		c.worker = s.workerOf(i + 1)
		herd.clients = append(herd.clients, c)
	}
	letGo := s.authority.hold(token)
	// The first connection's worker asks, and then dies of another request.
	first := herd.clients[0]
	first.send(request(token))
	s.asked(token)
	for _, c := range herd.clients[1:] {
		if c.worker != first.worker {
			c.send(request(token))
		}
	}
	s.until("the other worker waits", func(now envoyrun.Stats) bool {
		return now.Number[metricPrefix+"sallyport_introspection_joined.sp_vm=other|"] >= 1
	})
	for _, c := range herd.clients[1:] {
		if c.worker == first.worker {
			c.send(request("killer", "x-inject-panic", "headers fatal"))
			break
		}
	}
	s.until("the other worker has asked", func(envoyrun.Stats) bool { return s.authority.asked(token) >= 2 })
	letGo()
	var done sync.WaitGroup
	for _, c := range herd.clients {
		if c.sent {
			done.Go(c.receive)
		}
	}
	done.Wait()
	byWorker := map[bool]map[outcome]int{true: {}, false: {}}
	for _, c := range herd.clients {
		if c.sent {
			byWorker[c.worker == first.worker][c.got]++
		}
	}
	t.Logf("%d calls; of the worker that died: %v; of the other one: %v", s.authority.asked(token), byWorker[true], byWorker[false])
	if n := s.authority.asked(token); n > 2 {
		t.Errorf("%d calls, want 2 at most", n)
	}
	if len(byWorker[false]) != 1 || byWorker[false][admitted] == 0 {
		t.Errorf("of the worker that lived: %v, want all admitted", byWorker[false])
	}
	if n := byWorker[true][outcome{status: 503}]; len(byWorker[true]) != 1 || n != 2 {
		t.Errorf("of the worker that died: %v, want two times 503", byWorker[true])
	}
}

func newStampedeSite(t *testing.T, module string) *site {
	t.Helper()
	s := newCrowdedSite(t, module, 2*stampedeSize) // no circuit breaker is what is tested
	s.authority.slow(stampedeAnswer)
	s.serveCrowd("gw", fullSequence, func(_, manager, _ map[string]any) { manager["request_timeout"] = "5s" })
	return s
}

// herd is connections to one listener.
type herd struct{ clients []*herdClient }

type herdClient struct {
	t      *testing.T
	conn   net.Conn
	in     *bufio.Reader
	worker string // where that was asked for
	sent   bool
	got    outcome
	err    error
}

// gather opens n connections to the listener gw, of which exact balance gives each worker as many.
func (s *site) gather(n int) *herd {
	s.t.Helper()
	return s.gatherAt("gw", n)
}

func (s *site) gatherAt(listener string, n int) *herd {
	s.t.Helper()
	address, err := s.envoy.Listener(s.t.Context(), listener)
	if err != nil {
		s.t.Fatal(err)
	}
	h, before := &herd{}, s.opened()
	for range n {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(patience))
		h.clients = append(h.clients, &herdClient{t: s.t, conn: conn, in: bufio.NewReader(conn)})
	}
	s.until("the workers have the connections", func(envoyrun.Stats) bool { return s.opened() >= before+uint64(n) })
	return h
}

// opened is how many connections the workers have taken.
func (s *site) opened() (n uint64) {
	for name, value := range s.stats() {
		if connectionsOfWorker.MatchString(name) {
			n += value
		}
	}
	return n
}

func (c *herdClient) send(r scenario.Request) {
	c.sent = true
	_, c.err = io.WriteString(c.conn, verbatim.OnWire(r))
}

func (c *herdClient) receive() {
	if c.err != nil {
		return
	}
	response, err := verbatim.ReadResponse(c.in, "GET")
	c.got, c.err = outcome{response.Status, scenario.HeaderValue(response.Headers, "x-sallyport-reason")}, err
}

// run sends one request on every connection at once, and waits for all answers.
func (h *herd) run(r scenario.Request) time.Duration {
	start := time.Now()
	var done sync.WaitGroup
	for _, c := range h.clients {
		done.Go(func() { c.send(r); c.receive() })
	}
	done.Wait()
	return time.Since(start)
}

func (h *herd) outcomes(t *testing.T) map[outcome]int {
	t.Helper()
	n := map[outcome]int{}
	for _, c := range h.clients {
		if c.err != nil {
			t.Error(c.err)
			continue
		}
		n[c.got]++
	}
	return n
}
