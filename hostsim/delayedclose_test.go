package hostsim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// TestCutResponse: a client of HTTP/1 sees the end of what was cut a second after it, and the guest at once.
func TestCutResponse(t *testing.T) {
	half := upstream.Answer{Fault: upstream.FaultResetMidBody, Body: []byte("half and half")}
	for name, c := range map[string]struct {
		script   string
		request  hostsim.Request
		upstream upstream.Answer
		after    time.Duration
		reset    bool
	}{
		"reply in the body":    {"response_body: reply 500 - no", hostsim.Request{}, upstream.Respond(200, "x"), time.Second, true},
		"closed early":         {"request_headers: close 0; pause", hostsim.Request{}, upstream.Respond(200, "x"), time.Second, true},
		"closed later":         {"response_body: close 1", hostsim.Request{}, upstream.Respond(200, "x"), time.Second, true},
		"crash in the body":    {"response_body: panic", hostsim.Request{}, upstream.Respond(200, "x"), time.Second, true},
		"backend":              {"", hostsim.Request{}, half, time.Second, true},
		"HTTP/2":               {"", hostsim.Request{Info: hostsim.StreamInfo{Protocol: "HTTP/2"}}, half, 0, true},
		"the client itself":    {"request_headers: pause", hostsim.Request{ClientGoneAfter: time.Minute}, half, time.Minute, true},
		"whole":                {"", hostsim.Request{}, upstream.Respond(200, "x"), 0, false},
		"refused":              {"request_headers: reply 403 - no; pause", hostsim.Request{}, half, 0, false},
		"crash in the headers": {"response_headers: panic", hostsim.Request{}, upstream.Respond(200, "x"), 0, false},
	} {
		h := newHost(t, c.script+"\nlog: say logged", hostsim.WithUpstream(c.upstream))
		began := h.Clock().Now()
		r, x := do(t, h, c.request)
		if r.Reset != c.reset || x.Elapsed.Truncate(100*time.Millisecond) != c.after { // a Go guest sleeps for some milliseconds when it dies
			t.Errorf("%s: reset %v after %v, want %v after %v", name, r.Reset, x.Elapsed, c.reset, c.after)
		}
		for _, l := range x.Log {
			if strings.HasSuffix(l.Message, "say logged -> ") && c.after == time.Second && !l.At.Equal(began) {
				t.Errorf("%s: the guest was told after %v", name, l.At.Sub(began))
			}
		}
	}
}

// TestCutResponseOfAClientThatLeaves: it does not wait for the end of the second, and hears of it once.
func TestCutResponseOfAClientThatLeaves(t *testing.T) {
	h := newHost(t, "request_headers: close 0; pause")
	p, err := h.Start(hostsim.Request{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Done() {
		t.Error("the client has seen the end at once")
	}
	p.Stream().ClientGone()
	if r, x, err := p.Wait(t.Context()); err != nil || !r.Reset || x.Elapsed != 0 {
		t.Errorf("%+v after %v, %v", r, x.Elapsed, err)
	}
	h.Advance(2 * time.Second)
	if e, ok := p.Stream().Poll(); ok {
		t.Errorf("%v after the end", e.Kind)
	}
}

// TestReplyThatKillsEnvoy: nothing that a test could go on from, so the log says it.
func TestReplyThatKillsEnvoy(t *testing.T) {
	h := newHost(t, "response_body: call auth 1000; pause\nhttp_call_response: effective; reply 500 - no", hostsim.WithCluster("auth", upstream.Respond(200, "")))
	r, _ := do(t, h, hostsim.Request{})
	if line := trapLine(h); !r.Reset || !strings.Contains(line, "Envoy was seen to crash here") {
		t.Errorf("%+v, log %q", r, line)
	}
	h = newHost(t, "response_body: reply 500 - no")
	if do(t, h, hostsim.Request{}); trapLine(h) != "" {
		t.Errorf("in the response's own callback: %q", trapLine(h))
	}
}
