package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/verbatim"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

const (
	concurrentLimit = 6
	// concurrentLease is concurrency.Lease.
	concurrentLease = 10 * time.Second
)

// TestConcurrent: as many streams as the limit are open, half of them on each of
// two workers. One more is refused on either worker. What ends gives its place
// back, however it ends: a client that vanishes, a backend that resets, an answer.
// Last, one worker's VM is killed, and its places are free within the lease.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{Module: wasmbuild.PackageTags(t, "./filter", "faultinjection"), Concurrency: 2})
	held := newHolding(t)
	s.clusters(s.authority.Listener.Addr().String(), held.Address())
	s.serve(plan{
		name: "gw", config: policies(t, fmt.Sprintf("- concurrent_calls: {limit: %d}", concurrentLimit)),
		change: func(listener, _, _ map[string]any) {
			listener["connection_balance_config"] = map[string]any{"exact_balance": map[string]any{}}
		},
	})
	c := &concurrent{site: s, held: held, clients: map[string][]*concurrentClient{}}
	c.connect(16)
	c.fill()
	for worker := range c.clients {
		c.wantRefused(worker)
	}

	leaving := c.client(0, open)
	_ = leaving.conn.Close()
	leaving.state = gone
	c.oneFree("a client that vanished")

	held.reset()
	c.collect(503)
	c.oneFree("a backend that reset")

	held.answer()
	c.collect(200)
	c.oneFree("an answer")

	dying, lives := c.workers[0], c.workers[1]
	if len(c.of(dying, open)) < len(c.of(lives, open)) {
		dying, lives = lives, dying
	}
	had := len(c.of(dying, open))
	killed := time.Now()
	killer := c.of(dying, idle)[0]
	killer.send(t, request("killer", "x-inject-panic", "headers fatal"))
	t.Logf("the killer got %+v", <-killer.got)
	if got := c.try(lives); got.status != 429 {
		t.Errorf("right after the VM of %s was killed: %+v, want refused", dying, got)
	}
	free := 0
	for free < had && time.Since(killed) < concurrentLease+5*time.Second {
		if c.try(lives).status == 0 { // it hangs at the backend: it was let in
			free++
			continue
		}
		s.until("some time has passed", func(envoyrun.Stats) bool { return true })
	}
	took := time.Since(killed)
	t.Logf("%d places of the killed VM of %s were free after %v, lease %v", free, dying, took.Round(time.Millisecond), concurrentLease)
	if free != had || took > concurrentLease+time.Second {
		t.Errorf("%d of %d places came back in %v, want all within the lease of %v", free, had, took, concurrentLease)
	}
	c.wantRefused(lives)
}

// state of a connection.
type state int

const (
	idle state = iota
	open       // a request is at the backend
	gone
)

type concurrentClient struct {
	conn  net.Conn
	state state
	got   chan outcome // of each response; closed when the connection is
}

func newConcurrentClient(conn net.Conn) *concurrentClient {
	c := &concurrentClient{conn: conn, got: make(chan outcome, 16)}
	go func() {
		defer close(c.got)
		for in := bufio.NewReader(conn); ; {
			r, err := verbatim.ReadResponse(in, "GET")
			if err != nil {
				return
			}
			c.got <- outcome{r.Status, scenario.HeaderValue(r.Headers, "x-sallyport-reason")}
		}
	}()
	return c
}

func (c *concurrentClient) send(t *testing.T, r scenario.Request) {
	t.Helper()
	if _, err := io.WriteString(c.conn, verbatim.OnWire(r)); err != nil {
		t.Fatal(err)
	}
}

// concurrent is connections by worker, and a backend that holds what it reads.
type concurrent struct {
	*site
	held    *holding
	clients map[string][]*concurrentClient
	workers []string
}

func (c *concurrent) connect(n int) {
	c.t.Helper()
	address, err := c.envoy.Listener(c.t.Context(), "gw")
	if err != nil {
		c.t.Fatal(err)
	}
	for i := range n {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			c.t.Fatal(err)
		}
		c.t.Cleanup(func() { _ = conn.Close() })
		worker := c.workerOf(i + 1)
		if c.clients[worker] == nil {
			c.workers = append(c.workers, worker)
		}
		c.clients[worker] = append(c.clients[worker], newConcurrentClient(conn))
	}
	if len(c.workers) != 2 {
		c.t.Fatalf("connections at the workers %v, want two", c.workers)
	}
}

func (c *concurrent) of(worker string, s state) (some []*concurrentClient) {
	for _, client := range c.clients[worker] {
		if client.state == s {
			some = append(some, client)
		}
	}
	return some
}

func (c *concurrent) client(worker int, s state) *concurrentClient {
	c.t.Helper()
	some := c.of(c.workers[worker], s)
	if len(some) == 0 {
		c.t.Fatalf("no client of %s in state %d", c.workers[worker], s)
	}
	return some[0]
}

// try sends a request on an idle connection of the worker. The zero outcome says
// that it is at the backend.
func (c *concurrent) try(worker string) outcome {
	c.t.Helper()
	some := c.of(worker, idle)
	if len(some) == 0 {
		c.t.Fatalf("no idle client of %s", worker)
	}
	client := some[0]
	client.send(c.t, request("held"))
	select {
	case got, ok := <-client.got:
		if !ok {
			c.t.Fatalf("a connection to %s was closed", worker)
		}
		return got
	case <-c.held.came:
		client.state = open
		return outcome{}
	case <-time.After(patience):
		c.t.Fatal("neither the client nor the backend has heard anything")
	}
	return outcome{}
}

func (c *concurrent) fill() {
	c.t.Helper()
	for i := range concurrentLimit {
		if got := c.try(c.workers[i%2]); got.status != 0 {
			c.t.Fatalf("stream %d of %d: %+v, want it at the backend", i+1, concurrentLimit, got)
		}
	}
}

func (c *concurrent) wantRefused(worker string) {
	c.t.Helper()
	want := outcome{status: 429, reason: "concurrent_calls.exceeded"}
	if got := c.try(worker); got != want {
		c.t.Errorf("one more than %d on %s: %+v, want %+v", concurrentLimit, worker, got, want)
	}
}

// oneFree waits until there is a place again, on the other worker as well as on any,
// takes it, and finds no second one.
func (c *concurrent) oneFree(by string) {
	c.t.Helper()
	worker, from := c.workers[1], time.Now()
	c.until("there is a place by "+by, func(envoyrun.Stats) bool { return c.try(worker).status == 0 })
	c.t.Logf("%s: its place was free after %v", by, time.Since(from).Round(time.Millisecond))
	for _, worker := range c.workers {
		c.wantRefused(worker)
	}
}

// collect reads the response of the one request that has ended.
func (c *concurrent) collect(status int) {
	c.t.Helper()
	for deadline := time.After(patience); ; {
		for _, worker := range c.workers {
			for _, client := range c.of(worker, open) {
				select {
				case got := <-client.got:
					client.state = idle
					if got.status != status {
						c.t.Errorf("status %d, want %d", got.status, status)
					}
					return
				case <-deadline:
					c.t.Fatal("no response came")
				case <-time.After(time.Millisecond):
				}
			}
		}
	}
}

// holding is a backend that reads requests, and does with each what it is told to.
type holding struct {
	*verbatim.Listener
	came chan struct{} // with each request
	acts chan func(net.Conn)
}

func newHolding(t *testing.T) *holding {
	t.Helper()
	h := &holding{came: make(chan struct{}, 1024), acts: make(chan func(net.Conn))}
	var err error
	if h.Listener, err = verbatim.Listen(h.serve); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func (h *holding) serve(conn net.Conn) {
	in := bufio.NewReader(conn)
	for {
		if _, err := http.ReadRequest(in); err != nil { // it has no body
			return
		}
		h.came <- struct{}{}
		left := make(chan struct{})
		go func() { verbatim.AwaitPeer(in); close(left) }()
		select {
		case act := <-h.acts:
			act(conn)
			return
		case <-left:
			return
		case <-h.Done():
			return
		}
	}
}

// reset and answer end one of the requests that are held, and its connection.
func (h *holding) reset() { h.acts <- verbatim.Reset }

func (h *holding) answer() {
	h.acts <- func(conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
	}
}
