package hosttest_test

import (
	"context"
	"log"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/hosttest"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// compiled is the scripted guest, once for all tests.
var compiled *hostsim.Module

func TestMain(m *testing.M) {
	path, err := wasmbuild.Build(context.Background(), "./hostsim/testdata/guests/scripted")
	if err == nil {
		compiled, err = hostsim.CompileFile(context.Background(), path, hostsim.CompileOptions{})
	}
	if err != nil {
		log.Fatal(err)
	}
	code := m.Run()
	_ = compiled.Close(context.Background()) // in memory alone
	os.Exit(code)
}

const asks = "request_headers: call auth 1000; pause\nhttp_call_response: get 6 :status; effective; continue 0"

func TestGoldenExchange(t *testing.T) {
	h := hosttest.New(t, compiled, hostsim.WithConfig([]byte(asks)), hostsim.WithCluster("auth", hostsim.Respond(200, "yes")))
	response, exchange := hosttest.Do(t, h, hostsim.Request{Path: "/a"})
	hosttest.WantCalls(t, exchange, "auth POST /call")
	hosttest.Golden(t, "testdata/asks.golden", response, exchange)
}

// An answer that is held comes without any time passing.
func TestHeldAnswer(t *testing.T) {
	var auth upstream.Held
	h := hosttest.New(t, compiled, hostsim.WithConfig([]byte(asks)), hostsim.WithCluster("auth", &auth))
	began := h.Clock().Now()
	first, err := h.Start(hostsim.Request{Path: "/1"})
	if err != nil {
		t.Fatal(err)
	}
	if first.Done() || auth.Waiting() != 1 {
		t.Fatalf("%d calls wait", auth.Waiting())
	}
	if !auth.Give(upstream.Respond(403, "")) || !first.Done() || auth.Give(upstream.Answer{}) {
		t.Error("the answer has not ended the request")
	}
	response, exchange, err := first.Wait(t.Context())
	if err != nil || response.Status != 200 || h.Clock().Now() != began || !strings.Contains(exchange.Log[1].Message, "403") {
		t.Errorf("%d, %v after %v, log %v", response.Status, err, h.Clock().Now().Sub(began), exchange.Log)
	}
	// The timeout is the guest's, and what came too late is for nobody.
	second, err := h.Start(hostsim.Request{Path: "/2"})
	if err != nil {
		t.Fatal(err)
	}
	h.Advance(2 * time.Second)
	if _, exchange, err = second.Wait(t.Context()); err != nil || auth.Waiting() != 0 || !strings.Contains(exchange.Log[1].Message, "504") {
		t.Errorf("%v, %d wait, log %v", err, auth.Waiting(), exchange.Log)
	}
}

// Answers race the guest's timeout on a real clock: each call ends once, by one of them.
func TestHeldAnswersRaceTimeouts(t *testing.T) {
	const requests = 200
	var auth upstream.Held
	h := hosttest.New(t, compiled, hostsim.WithClock(hostsim.RealClock()), hostsim.WithCluster("auth", &auth), hostsim.WithWorkers(2),
		hostsim.WithConfig([]byte("request_headers: call auth 1; hold\nhttp_call_response: get 6 :status; next continue 0")))
	var sent sync.WaitGroup
	for n := range requests {
		sent.Go(func() {
			if r, _, err := h.Do(t.Context(), hostsim.Request{Path: "/", Worker: n % 2}); err != nil || r.Status != 200 {
				t.Errorf("%d, %v", r.Status, err)
			}
		})
	}
	over := make(chan struct{})
	go func() { sent.Wait(); close(over) }()
	given := 0
	for {
		select {
		case <-over:
			ended := 0
			for _, l := range h.Log() {
				if strings.Contains(l.Message, "get 6 :status") {
					ended++
				}
			}
			if ended != requests || auth.Waiting() != 0 {
				t.Errorf("%d calls ended, %d by an answer, %d wait", ended, given, auth.Waiting())
			}
			return
		default:
			if auth.Give(upstream.Respond(200, "")) {
				given++
			}
		}
	}
}

func TestTick(t *testing.T) {
	h := hosttest.New(t, compiled, hostsim.WithConfig([]byte("configure: tick 60000\ntick: say tock")), hostsim.WithWorkers(2))
	began := h.Clock().Now()
	hosttest.Tick(t, h)
	if n := ticks(h); n != 3 || h.Clock().Now() != began {
		t.Errorf("%d ticks on a main thread and two workers, after %v", n, h.Clock().Now().Sub(began))
	}
	h.Advance(59 * time.Second)
	if n := ticks(h); n != 3 {
		t.Errorf("%d ticks before the next was due", n)
	}
	h.Advance(time.Second)
	if n := ticks(h); n != 6 {
		t.Errorf("%d ticks a period later", n)
	}
	if n := hosttest.New(t, compiled).Tick(); n != 0 {
		t.Errorf("%d ticks of a plugin that asked for none", n)
	}
}

func ticks(h *hostsim.Host) (n int) {
	for _, l := range h.Log() {
		if strings.Contains(l.Message, "say tock") {
			n++
		}
	}
	return n
}

// failing is a test that notes what it would fail with.
type failing struct {
	*testing.T
	said string
}

func (f *failing) Errorf(format string, args ...any) { f.said += format }

func TestWhatDiffersIsShown(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.golden")
	r := hostsim.Response{Status: 200, Body: []byte("a"), Reset: true}
	t.Setenv(hosttest.UpdateVariable, "1")
	hosttest.Golden(t, file, r, hostsim.Exchange{})
	t.Setenv(hosttest.UpdateVariable, "")
	hosttest.Golden(t, file, r, hostsim.Exchange{})
	if text, err := os.ReadFile(file); err != nil || string(text) != "response 200\n\"a\"\nreset\n" {
		t.Errorf("%q, %v", text, err)
	}
	f := &failing{T: t}
	r.Status = 201
	hosttest.Golden(f, file, r, hostsim.Exchange{})
	hosttest.WantCalls(f, hostsim.Exchange{}, "auth GET /")
	if !strings.Contains(f.said, "writes it again") || !strings.Contains(f.said, "calls (-want +got)") {
		t.Errorf("said %q", f.said)
	}
}
