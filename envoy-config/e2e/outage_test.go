package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/verbatim"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// TestOktaOutage takes the authorization server away under load and gives it back; see oktaOutage. The full minute is
// TestSoakOktaOutage.
func TestOktaOutage(t *testing.T) { oktaOutage(t, 3*time.Second) }

const (
	outageRate    = 200 // requests a second, of all clients
	outageClients = 10  // connections, half of them at each worker
	outageTokens  = 40  // warm ones
	// outageFresh is the cache's max_ttl: the tokens become stale while the server is down.
	outageFresh = time.Second
	oktaDelay   = 20 * time.Millisecond
	// outageTimeout is how long a request may wait for a server that is silent, until the breaker opens.
	outageTimeout = 250 * time.Millisecond
	// The breaker's times.
	outageOpenFor, outageLongest = 200 * time.Millisecond, 2 * time.Second
	outageFailures               = 5
)

// oktaOutage: two workers, 200 requests a second with tokens that the gateway has just seen, and the authorization
// server down for a while. With stale_if_error nobody notices. Without it all get 503 with Retry-After once their
// token is not fresh any more; no good token is ever refused as bad, and no bad one ever let through. In both cases
// the server sees the breaker's probes alone while it is down, and when it is back no more calls at once than it had
// before.
func oktaOutage(t *testing.T, down time.Duration) {
	const stale = `, stale_if_error: 5m`
	for _, tt := range []struct {
		name, option string
		health       health
	}{
		{"with stale_if_error", stale, dead},
		{"with stale_if_error and no answer at all", stale, mute},
		{"without", "", dead},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // to the other two: most of the time they wait
			(&outageRun{t: t, site: newOutageSite(t), option: tt.option, stale: tt.option == stale, health: tt.health}).play(down)
		})
	}
}

// outageRun is one outage.
type outageRun struct {
	t      *testing.T
	site   *site
	option string
	stale  bool
	health health // of the server in the outage

	okta    *frailOkta
	clients []*outageClient
	stop    chan struct{}
	running sync.WaitGroup
}

func newOutageSite(t *testing.T) *site {
	t.Helper()
	return newSite(t, siteOptions{Module: wasmbuild.Package(t, "./filter"), Concurrency: 2, Shared: true})
}

// phase is what was seen in a part of an outage, and how long that took: on a busy machine, longer than was planned.
type phase struct {
	calls, most int // at the server; the most at once
	answers     tally
	took        time.Duration
}

func (p phase) String() string {
	return fmt.Sprintf("%d calls, at most %d at once, in %v: %v", p.calls, p.most, p.took.Round(time.Millisecond), p.answers)
}

// callsIn is how many calls the rate of a phase makes in that time.
func (p phase) callsIn(d time.Duration) int { return int(int64(p.calls) * int64(d) / int64(p.took)) }

// during waits, and says what happened. end marks the server's counts; nil for no more than that.
func (r *outageRun) during(d time.Duration, end func() (calls, most int)) (p phase) {
	begun := time.Now()
	time.Sleep(d)
	p.answers = r.take() // before the end: what comes with it belongs to what follows
	if end == nil {
		end = r.okta.mark
	}
	p.calls, p.most = end()
	p.took = time.Since(begun)
	return p
}

func (r *outageRun) play(down time.Duration) {
	t := r.t
	r.start()
	warming := r.during(outageFresh+outageFresh/2, nil) // every token was asked for, and again when it was not fresh
	log, mark := r.site.envoy.Log(), 0
	up := r.during(outageFresh, func() (int, int) {
		mark = log.Len()
		return r.okta.become(r.health)
	})
	died := time.Now()
	if _, err := log.Wait(t.Context(), mark, func(l envoyrun.Line) bool { return strings.Contains(l.Text, "the circuit breaker is open") }); err != nil {
		t.Fatal(err)
	}
	opened := time.Since(died)
	const opening = outageFresh + 500*time.Millisecond // all are stale, the breaker is open
	dying := r.during(opening-opened, nil)
	gone := r.during(down-opening, func() (int, int) { return r.okta.become(healthy) })
	coming := r.during(outageLongest+time.Second, nil) // the next probe has come
	back := r.during(outageFresh, nil)
	close(r.stop)
	r.running.Wait()

	t.Logf("while up %v\ngoing down %v, the breaker open after %v\ndown %v\ncoming up %v\nup again %v\ncalls by the second %s",
		up, dying, opened.Round(time.Millisecond), gone, coming, back, r.okta.perSecond())
	wantTally(t, "warming up", warming.answers, "200", "401 bad")
	wantTally(t, "while up", up.answers, "200", "401 bad")
	wantTally(t, "up again", back.answers, "200", "401 bad")
	inOutage := []string{"200", "503", "401 bad", "503 bad"}
	wantTally(t, "coming up", coming.answers, inOutage...)
	wantTally(t, "going down", dying.answers, inOutage...)
	if r.stale {
		wantTally(t, "down", gone.answers, "200", "503 bad")
		for name, phase := range map[string]tally{"going down": dying.answers, "coming up": coming.answers} {
			if phase["503"] > 0 {
				t.Errorf("%s: %d requests with a warm token failed, want 0", name, phase["503"])
			}
		}
	} else {
		wantTally(t, "down", gone.answers, "503", "503 bad")
	}
	// Before the breaker opens each failure is tried twice, and other calls are in the air by then: as many as the server
	// saw at once, and where it resets them all, as many as begin until the gateway has learned of that. A probe follows
	// after half of the time at the least.
	inTheAir := max(up.most, dying.most)
	if r.health == dead {
		inTheAir += up.callsIn(opened)
	}
	if bound := 2*(outageFailures+inTheAir) + probesIn(opened+dying.took); dying.calls > bound {
		t.Errorf("%d calls until the breaker was open, want %d at most", dying.calls, bound)
	}
	if bound := int(2*gone.took/outageLongest) + 6; gone.calls > bound {
		t.Errorf("%d calls while down, want %d probes at most", gone.calls, bound)
	}
	if bound := max(up.most, outageTokens/2); coming.most > bound {
		t.Errorf("%d calls at once when the server came back, want %d at most", coming.most, bound)
	}
	if bound := up.callsIn(coming.took) + outageTokens; coming.calls > bound {
		t.Errorf("%d calls when the server came back, want %d at most", coming.calls, bound)
	}
	r.wantBackend(warming.answers, up.answers, dying.answers, gone.answers, coming.answers, back.answers)
}

// probesIn is how many probes there may be in that time at the beginning: each waits twice as long as the one before.
func probesIn(d time.Duration) (n int) {
	for wait := outageOpenFor / 2; d > 0; wait = min(2*wait, outageLongest/2) {
		d -= wait
		n++
	}
	return n
}

func (r *outageRun) start() {
	t := r.t
	r.okta = newFrailOkta(t, oktaDelay)
	r.site.clustersAt(r.okta.address())
	r.site.serve(plan{
		name: "gw", config: policies(t, fmt.Sprintf(`
- introspect_token: {cluster: okta, authority: dev.okta.com, path: /v1/introspect, client_id: gw, client_secret: {env: OKTA_CLIENT_SECRET}, timeout: %s,
    cache: {max_ttl: %s}, breaker: {failures: %d, open_for: %s, longest_open: %s}%s}
- require_token: {}
`, outageTimeout, outageFresh, outageFailures, outageOpenFor, outageLongest, r.option)),
		change: balanced,
	})
	address, err := r.site.envoy.Listener(t.Context(), "gw")
	if err != nil {
		t.Fatal(err)
	}
	r.stop = make(chan struct{})
	for i := range outageClients {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		c := &outageClient{conn: conn, in: bufio.NewReader(conn), name: strconv.Itoa(i), tally: tally{}, next: i}
		r.clients = append(r.clients, c)
		r.running.Go(func() { c.run(r.stop) })
	}
}

// tally counts responses by what they were.
type tally map[string]int

// take gives what was counted since the last take.
func (r *outageRun) take() tally {
	all := tally{}
	for _, c := range r.clients {
		c.mu.Lock()
		for what, n := range c.tally {
			all[what] += n
		}
		c.tally = tally{}
		c.mu.Unlock()
	}
	return all
}

// wantTally: each of these was counted or not, and nothing else was.
func wantTally(t *testing.T, when string, got tally, allowed ...string) {
	t.Helper()
	for what, n := range got {
		if !slices.Contains(allowed, what) {
			t.Errorf("%s: %d times %q, which may not be", when, n, what)
		}
	}
	if got[allowed[0]] == 0 {
		t.Errorf("%s: no %q at all: %v", when, allowed[0], got)
	}
}

// wantBackend: it saw what was admitted, and nothing else.
func (r *outageRun) wantBackend(phases ...tally) {
	r.t.Helper()
	admitted := r.take()["200"] // after the last phase
	for _, p := range phases {
		admitted += p["200"]
	}
	if seen := r.site.backend.Total(); seen != uint64(admitted) {
		r.t.Errorf("the backend saw %d requests, and %d were admitted", seen, admitted)
	}
}

// outageClient sends its part of the requests over one connection. Every tenth has a token that was never good.
type outageClient struct {
	conn net.Conn
	in   *bufio.Reader
	name string
	next int

	mu    sync.Mutex
	tally tally
}

func (c *outageClient) run(stop chan struct{}) {
	pace := time.NewTicker(time.Second * outageClients / outageRate)
	defer pace.Stop()
	for {
		select {
		case <-stop:
			return
		case <-pace.C:
		}
		what := c.one()
		c.mu.Lock()
		c.tally[what]++
		c.mu.Unlock()
		c.next++
	}
}

// one sends a request and says what came of it.
func (c *outageClient) one() string {
	token, bad := fmt.Sprintf("warm-%d", c.next*7%outageTokens), c.next%10 == 0
	if bad {
		token = fmt.Sprintf("%s%s-%d", inactivePrefix, c.name, c.next)
	}
	if _, err := io.WriteString(c.conn, verbatim.OnWire(request(token))); err != nil {
		return err.Error()
	}
	response, err := verbatim.ReadResponse(c.in, "GET")
	if err != nil {
		return err.Error()
	}
	what := fmt.Sprint(response.Status)
	if response.Status == 503 && scenario.HeaderValue(response.Headers, "retry-after") == "" {
		what += " without retry-after"
	}
	if bad {
		what += " bad"
	}
	return what
}
