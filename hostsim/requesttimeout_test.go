package hostsim_test

import (
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/event"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// TestRequestTimeoutOfHeldRequest: where the plugin holds a request decides whether the request timeout goes on.
func TestRequestTimeoutOfHeldRequest(t *testing.T) {
	const limit = time.Second
	idle := 5 * time.Second
	body := hostsim.Request{Method: "POST", Body: []byte("body")}
	trailers := hostsim.Request{Method: "POST", Body: []byte("body"), Trailers: abi.Headers{{Name: "x-trailer", Value: "t"}}}
	const letGo = "; pause\nhttp_call_response: effective; continue 0"
	for name, c := range map[string]struct {
		script  string
		request hostsim.Request
		stop    bool // allow_on_headers_stop_iteration
		status  int
		body    string
		after   time.Duration
	}{
		"no body, at the headers":       {"request_headers: pause", hostsim.Request{}, false, 504, "request timeout", limit},
		"body, at the headers":          {"request_headers: pause", body, false, 504, "request timeout", limit},
		"trailers, at the headers":      {"request_headers: pause", trailers, false, 504, "request timeout", limit},
		"trailers, at the trailers":     {"request_trailers: pause", trailers, false, 504, "request timeout", limit},
		"body, in the body":             {"request_body: pause", body, false, 504, "stream timeout", idle},
		"no body, stopped at headers":   {"request_headers: pause", hostsim.Request{}, true, 504, "request timeout", limit},
		"body, stopped at the headers":  {"request_headers: pause\nrequest_body: pause", body, true, 504, "stream timeout", idle},
		"held at the response":          {"response_headers: pause", body, false, 504, "stream timeout", idle},
		"released in time":              {"request_headers: call auth 5000" + letGo, body, false, 200, "backend\n", limit / 2},
		"released and held in the body": {"request_headers: call auth 5000" + letGo + "\nrequest_body: pause", body, false, 504, "stream timeout", limit/2 + idle},
	} {
		t.Run(name, func(t *testing.T) {
			options := []hostsim.Option{
				hostsim.WithConnectionManager(hostsim.ConnectionManager{RequestTimeout: limit, StreamIdleTimeout: idle}),
				hostsim.WithCluster("auth", upstream.Answer{Delay: limit / 2}),
			}
			if c.stop {
				options = append(options, hostsim.WithAllowOnHeadersStopIteration())
			}
			r, x := do(t, newHost(t, c.script, options...), c.request)
			if r.Status != c.status || string(r.Body) != c.body || x.Elapsed != c.after {
				t.Errorf("%d %q after %v, want %d %q after %v", r.Status, r.Body, x.Elapsed, c.status, c.body, c.after)
			}
		})
	}
}

// TestRequestTimeoutOfUnfinishedRequest: what has not arrived whole is the client's fault: 408.
func TestRequestTimeoutOfUnfinishedRequest(t *testing.T) {
	for _, script := range []string{"request_headers: pause", "request_body: pause", ""} {
		h := newHost(t, script, hostsim.WithConnectionManager(hostsim.ConnectionManager{RequestTimeout: time.Second}))
		s, err := h.NewStream(0, hostsim.StreamInfo{})
		if err != nil {
			t.Fatal(err)
		}
		post := abi.Headers{{Name: ":method", Value: "POST"}, {Name: ":path", Value: "/"}, {Name: ":authority", Value: "a"}}
		if err := s.RequestHeaders(post, false); err != nil {
			t.Fatal(err)
		}
		if err := s.RequestBody([]byte("half"), false); err != nil {
			t.Fatal(err)
		}
		h.Advance(time.Second)
		status := ""
		for e, ok := s.Poll(); ok; e, ok = s.Poll() {
			if e.Kind == event.ToClientHeaders {
				status, _ = e.Headers.Get(":status")
			}
		}
		if status != "408" {
			t.Errorf("script %q: status %q, want 408", script, status)
		}
	}
}
