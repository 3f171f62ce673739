package hostsim_test

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// TestNoRequestID: without generate_request_id a request has the client's id or none, at the edge too.
func TestNoRequestID(t *testing.T) {
	for _, edge := range []bool{false, true} {
		for _, id := range []string{"", "mine"} {
			h := newHost(t, "request_headers: get 0 x-request-id", hostsim.WithConnectionManager(hostsim.ConnectionManager{NoRequestID: true, UseRemoteAddress: edge}))
			var headers abi.Headers
			if id != "" {
				headers = abi.Headers{{Name: "x-request-id", Value: id}}
			}
			_, x := do(t, h, hostsim.Request{Headers: headers})
			if got, _ := x.Upstream.Headers.Get("x-request-id"); got != id {
				t.Errorf("edge %v: the backend got the id %q, want %q", edge, got, id)
			}
		}
	}
}

// TestSuppressEnvoyHeaders: the router adds none of its own; a call has them all the same.
func TestSuppressEnvoyHeaders(t *testing.T) {
	const script = "request_headers: call auth 1000; pause\nhttp_call_response: effective; continue 0"
	for _, suppress := range []bool{false, true} {
		h := newHost(t, script, hostsim.WithCluster("auth", upstream.Respond(200, "")),
			hostsim.WithConnectionManager(hostsim.ConnectionManager{SuppressEnvoyHeaders: suppress}))
		r, x := do(t, h, hostsim.Request{})
		_, limit := x.Upstream.Headers.Get("x-envoy-expected-rq-timeout-ms")
		_, took := r.Headers.Get("x-envoy-upstream-service-time")
		_, ofCall := x.Calls[0].Headers.Get("x-envoy-expected-rq-timeout-ms")
		if limit == suppress || took == suppress || !ofCall {
			t.Errorf("suppress %v: timeout to the backend %v, time to the client %v, timeout to a call %v", suppress, limit, took, ofCall)
		}
	}
}
