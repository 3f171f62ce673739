package hostsim_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

const (
	shorten  = "; atend setbody 1 0 99 short"
	lengthen = "; atend setbody 1 99 0  and more"
)

// TestStaleResponseLength: a client of HTTP/1 believes content-length, whatever the body is.
func TestStaleResponseLength(t *testing.T) {
	backend := upstream.Respond(200, "a long body")
	for name, c := range map[string]struct {
		script, protocol string
		backend          upstream.Answer
		want             hostsim.Response // Status, Body, Excess, Awaits, Reset
	}{
		"shortened":        {"response_body: pauseuntilend" + shorten, "", backend, hostsim.Response{Status: 200, Body: []byte("short"), Awaits: 6}},
		"emptied":          {"response_body: pauseuntilend; atend setbody 1 0 99 ", "", backend, hostsim.Response{Status: 200, Awaits: 11}},
		"lengthened":       {"response_body: pauseuntilend" + lengthen, "", backend, hostsim.Response{Status: 200, Body: []byte("a long body"), Excess: []byte(" and more")}},
		"promised":         {"response_headers: set 2 content-length 5", "", upstream.Respond(200, ""), hostsim.Response{Status: 200, Awaits: 5}},
		"of a local reply": {"request_headers: reply 403 - no; pause\nresponse_body: setbody 1 99 0 pe", "", backend, hostsim.Response{Status: 403, Body: []byte("no"), Excess: []byte("pe")}},
		"over HTTP/2":      {"response_body: pauseuntilend" + shorten, "HTTP/2", backend, hostsim.Response{Status: 200, Body: []byte("short"), Reset: true}},
		"length removed":   {"response_headers: remove 2 content-length\nresponse_body: pauseuntilend" + shorten, "", backend, hostsim.Response{Status: 200, Body: []byte("short")}},
		"length corrected": {"response_headers: set 2 content-length 5\nresponse_body: pauseuntilend" + shorten, "", backend, hostsim.Response{Status: 200, Body: []byte("short")}},
		"unchanged":        {"response_body: pauseuntilend", "", backend, hostsim.Response{Status: 200, Body: []byte("a long body")}},
		"no body by rule":  {"response_headers: set 2 content-length 5", "", upstream.Respond(204, ""), hostsim.Response{Status: 204}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, c.script, hostsim.WithUpstream(c.backend))
			r, x := do(t, h, hostsim.Request{Info: hostsim.StreamInfo{Protocol: c.protocol}})
			if r.Status != c.want.Status || string(r.Body) != string(c.want.Body) || string(r.Excess) != string(c.want.Excess) || r.Awaits != c.want.Awaits || r.Reset != c.want.Reset {
				t.Errorf("client got %d %q, then %q, awaits %d, reset %v; want %+v", r.Status, r.Body, r.Excess, r.Awaits, r.Reset, c.want)
			}
			stale := c.want.Awaits > 0 || len(c.want.Excess) > 0 || c.want.Reset
			wantMisframed(t, h, x, stale, "response to the client with content-length")
		})
	}
}

// wantMisframed wants one sentence about a stale length in the exchange and in the log, or none.
func wantMisframed(t *testing.T, h *hostsim.Host, x hostsim.Exchange, stale bool, sentence string) {
	t.Helper()
	n := 0
	if stale {
		n = 1
	}
	if len(x.Misframed) != n || stale && !strings.HasPrefix(x.Misframed[0], sentence) {
		t.Errorf("misframed %q, want %d that begin %q", x.Misframed, n, sentence)
	}
	said := 0
	for _, l := range h.Log() {
		if l.Host && strings.Contains(l.Message, "content-length") {
			said++
		}
	}
	if said != n {
		t.Errorf("%d lines of the host's log, want %d", said, n)
	}
}

// TestStaleRequestLength: a backend believes content-length too.
func TestStaleRequestLength(t *testing.T) {
	post := hostsim.Request{Method: "POST", Body: []byte("1234567890")}
	t.Run("shortened", func(t *testing.T) {
		h := newHost(t, "request_body: pauseuntilend; atend setbody 0 0 99 1", hostsim.WithUpstream(upstream.ClusterFunc(func(c upstream.Call) upstream.Answer {
			if c.Awaits != 9 {
				t.Errorf("the backend awaits %d bytes, want 9", c.Awaits)
			}
			return upstream.Respond(200, "")
		})), hostsim.WithConnectionManager(hostsim.ConnectionManager{RouteTimeout: time.Second}))
		r, x := do(t, h, post)
		if r.Status != 504 || x.Upstream.Complete || x.Upstream.Awaits != 9 || x.Elapsed != time.Second {
			t.Errorf("client got %d after %v, backend %+v; want 504 after 1s, and 9 bytes awaited", r.Status, x.Elapsed, x.Upstream)
		}
		wantMisframed(t, h, x, true, "request to the backend with content-length 10 and a body of 1 bytes: the backend waits")
	})
	t.Run("lengthened", func(t *testing.T) {
		h := newHost(t, "request_body: pauseuntilend; atend setbody 0 99 0 foo", hostsim.WithWorkers(2))
		r, x := do(t, h, post)
		if r.Status != 200 || !x.Upstream.Complete || string(x.Upstream.Body) != "1234567890" || string(x.Upstream.Excess) != "foo" {
			t.Errorf("client got %d, backend %+v; want 200, and foo in excess", r.Status, x.Upstream)
		}
		wantMisframed(t, h, x, true, "request to the backend with content-length 10 and a body of 13 bytes: the backend reads")
		for i, c := range []struct {
			worker int
			method string
		}{{1, "GET"}, {0, "fooGET"}, {0, "GET"}} {
			_, x := do(t, h, hostsim.Request{Worker: c.worker})
			if method, _ := x.Upstream.Headers.Get(":method"); method != c.method {
				t.Errorf("request %d after it, on worker %d: the backend reads %q, want %q", i+1, c.worker, method, c.method)
			}
		}
	})
	t.Run("removed", func(t *testing.T) {
		h := newHost(t, "request_headers: remove 0 content-length\nrequest_body: pauseuntilend; atend setbody 0 99 0 foo")
		r, x := do(t, h, post)
		if r.Status != 200 || string(x.Upstream.Body) != "1234567890foo" {
			t.Errorf("client got %d, backend %+v", r.Status, x.Upstream)
		}
		wantMisframed(t, h, x, false, "")
	})
}

// TestStaleCallLength: headers of a request that are copied into a call bring its content-length along.
func TestStaleCallLength(t *testing.T) {
	for _, length := range []int{0, 3} {
		script := "request_headers: callwith content-length " + strconv.Itoa(length) + " auth 300; pause\nhttp_call_response: get 6 :status; effective; continue 0"
		h := newHost(t, script, hostsim.WithCluster("auth", upstream.Respond(200, "")))
		_, x := do(t, h, hostsim.Request{})
		status, elapsed := `0 "200"`, time.Duration(0)
		if length > 0 {
			status, elapsed = `0 "504"`, 300*time.Millisecond
		}
		if got := result(t, x.Log, "get 6 :status"); got != status || x.Elapsed != elapsed || x.Calls[0].Awaits != length {
			t.Errorf("length %d: the guest got %s after %v, the server awaits %d", length, got, x.Elapsed, x.Calls[0].Awaits)
		}
		wantMisframed(t, h, x, length > 0, "call to auth with content-length 3 and without a body")
	}
}
