package hostsim_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

const callScript = `request_headers: call auth 1000 question; pause
http_call_response: get 6 :status; pairs 6; bodystatus 4; body 4 0 999; status; effective; continue 0`

func TestCalloutOutcomes(t *testing.T) {
	answer := func(a upstream.Answer) upstream.Cluster { return a }
	for _, tt := range []struct {
		name     string
		cluster  upstream.Cluster // nil: not defined
		dispatch string           // status and id that the guest gets
		status   string           // of get 6 :status
		body     string           // of bodystatus
		code     string           // of status
		elapsed  time.Duration
	}{
		{"answer", answer(upstream.Respond(200, "hi")), "0 4", `0 "200"`, "0 2 0", `0 0 ""`, 0},
		{"slow answer", answer(upstream.Answer{Delay: 900 * time.Millisecond}), "0 4", `0 "200"`, "0 0 0", `0 0 ""`, 900 * time.Millisecond},
		{"status of the other side", answer(upstream.Respond(302, "")), "0 4", `0 "302"`, "0 0 0", `0 0 ""`, 0},
		{"refused", answer(upstream.Fail(upstream.FaultRefuse)), "0 4", `0 "503"`, "0 98 0", `0 0 ""`, 0},
		{"reset", answer(upstream.Fail(upstream.FaultReset)), "0 4", `0 "503"`, "0 95 0", `0 0 ""`, 0},
		{"not http", answer(upstream.Fail(upstream.FaultNotHTTP)), "0 4", `0 "502"`, "0 87 0", `0 0 ""`, 0},
		{"timeout", answer(upstream.Fail(upstream.FaultTimeout)), "0 4", `0 "504"`, "0 24 0", `0 0 ""`, time.Second},
		{"too slow", answer(upstream.Answer{Delay: 2 * time.Second}), "0 4", `0 "504"`, "0 24 0", `0 0 ""`, time.Second},
		{"reset mid-body", answer(upstream.Fail(upstream.FaultResetMidBody)), "0 4", "2", "1 0 0", `0 11 "reset"`, 0},
		{"timeout mid-body", answer(upstream.Fail(upstream.FaultTimeoutMidBody)), "0 4", "2", "1 0 0", `0 11 "reset"`, time.Second},
		{"oversize", answer(upstream.Answer{Body: make([]byte, 33<<20)}), "0 4", "2", "1 0 0", `0 11 "reset"`, 0},
		{"5 MiB", answer(upstream.Answer{Body: make([]byte, 5<<20)}), "0 4", `0 "200"`, "0 5242880 0", `0 0 ""`, 0},
		{"no endpoints", answer(upstream.Fail(upstream.FaultNoEndpoints)), "10 0", "", "", "", 0},
		{"unknown", nil, "2 0", "", "", "", 0},
		{"unknown by answer", answer(upstream.Fail(upstream.FaultUnknown)), "2 0", "", "", "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var opts []hostsim.Option
			if tt.cluster != nil {
				opts = append(opts, hostsim.WithCluster("auth", tt.cluster))
			}
			h := newHost(t, callScript, opts...)
			r, e := do(t, h, hostsim.Request{})
			if got := result(t, e.Log, "call auth 1000 question"); got != tt.dispatch {
				t.Errorf("dispatch answered %q, want %q", got, tt.dispatch)
			}
			if len(e.Calls) != 1 {
				t.Fatalf("%d calls recorded", len(e.Calls))
			}
			if tt.status == "" {
				if strings.Contains(said(e.Log), "http_call_response") {
					t.Error("a callback came")
				}
				wantStatus(t, r, 504)
				return
			}
			wantStatus(t, r, 200)
			for op, want := range map[string]string{"get 6 :status": tt.status, "bodystatus 4": tt.body, "status": tt.code} {
				if got := result(t, e.Log, op); got != want {
					t.Errorf("%s -> %s, want %s", op, got, want)
				}
			}
			if e.Elapsed != tt.elapsed {
				t.Errorf("took %v, want %v", e.Elapsed, tt.elapsed)
			}
		})
	}
}

func TestCallRequest(t *testing.T) {
	h := newHost(t, callScript+"\n@nopath request_headers: callwithout :path auth", hostsim.WithCluster("auth", upstream.Respond(200, "")))
	_, e := do(t, h, hostsim.Request{})
	call := e.Calls[0]
	if length, _ := call.Headers.Get("content-length"); string(call.Body) != "question" || length != "8" || call.Timeout != time.Second || call.Worker != 1 {
		t.Errorf("cluster saw %+v", call)
	}
	_, e = do(t, h, hostsim.Request{Headers: abi.Headers{{Name: "x-script", Value: "nopath"}}})
	if got := result(t, e.Log, "callwithout :path auth"); got != "2 0" {
		t.Errorf("call without :path -> %s", got)
	}
}

func TestGRPCCallFailureIsStatus200(t *testing.T) {
	h := newHost(t, "request_headers: grpccall auth 1000; pause\nhttp_call_response: get 6 :status; get 6 grpc-status; effective; continue 0",
		hostsim.WithCluster("auth", upstream.Fail(upstream.FaultRefuse)))
	_, e := do(t, h, hostsim.Request{})
	if s, g := result(t, e.Log, "get 6 :status"), result(t, e.Log, "get 6 grpc-status"); s != `0 "200"` || g != `0 "14"` {
		t.Errorf(":status %s, grpc-status %s", s, g)
	}
}

// A guest that trusts the host to end its call waits until the stream's idle timeout.
func TestCallThatIsForgotten(t *testing.T) {
	h := newHost(t, callScript, hostsim.WithCluster("auth", upstream.Fail(upstream.FaultNever)))
	r, e := do(t, h, hostsim.Request{})
	if r.Status != 504 || e.Details != "stream_idle_timeout" || len(e.Calls) != 1 {
		t.Errorf("status %d, details %q, %d calls; want the idle timeout after one call", r.Status, e.Details, len(e.Calls))
	}
}

// TestStatusIsSticky: proxy_get_status says 11 also after later, successful calls.
func TestStatusIsSticky(t *testing.T) {
	h := newHost(t, callScript, hostsim.WithCluster("auth", upstream.Fail(upstream.FaultResetMidBody)))
	do(t, h, hostsim.Request{})
	h.Process().SetCluster("auth", upstream.Respond(200, ""))
	_, e := do(t, h, hostsim.Request{})
	if got := result(t, e.Log, "status"); got != `0 11 ""` {
		t.Errorf("status -> %s, want a sticky 11", got)
	}
}

func TestAnswerAfterTheStreamIsGone(t *testing.T) {
	h := newHost(t, "request_headers: call auth 1000; pause\nhttp_call_response: effective; call auth 1000; reply 403 - no\nlog: say log\ndelete: say gone",
		hostsim.WithCluster("auth", upstream.Answer{Delay: time.Second / 2}))
	r, e := do(t, h, hostsim.Request{ClientGoneAfter: time.Second / 10})
	if r.Status != 0 || !r.Reset || e.Elapsed != time.Second/10 {
		t.Errorf("response %+v after %v", r, e.Elapsed)
	}
	if got := said(e.Log); !strings.Contains(got, "say log") || !strings.Contains(got, "say gone") {
		t.Errorf("log and delete did not run at once:\n%s", got)
	}
	at := len(h.Log())
	h.Advance(time.Second / 2)
	late := h.Log()[at:]
	if got := result(t, late, "effective"); got != "2" {
		t.Errorf("effective context of a stream that is gone: %s, want 2", got)
	}
	if got := result(t, late, "call auth 1000"); got != "0 8" {
		t.Errorf("further call: %s", got)
	}
}

func TestCallFromLogPhase(t *testing.T) {
	h := newHost(t, "log: call auth 1000\nhttp_call_response: get 6 :status", hostsim.WithCluster("auth", upstream.Respond(201, "")))
	do(t, h, hostsim.Request{})
	at := len(h.Log())
	h.Advance(0)
	if got := result(t, h.Log()[at:], "get 6 :status"); got != `0 "201"` {
		t.Errorf("answer: %s", got)
	}
}

// TestWaitOnRealClock has clusters that really wait, on the real clock.
func TestWaitOnRealClock(t *testing.T) {
	released := make(chan struct{})
	slow := upstream.Answer{Wait: func(ctx context.Context) upstream.Answer {
		<-ctx.Done()
		close(released)
		return upstream.Answer{}
	}}
	quick := upstream.Answer{Wait: func(context.Context) upstream.Answer { return upstream.Respond(200, "yes") }}
	h := newHost(t, strings.ReplaceAll(callScript, "1000", "50"), hostsim.WithClock(hostsim.RealClock()), hostsim.WithCluster("auth", slow))
	r, e := do(t, h, hostsim.Request{})
	wantStatus(t, r, 200)
	if got := result(t, e.Log, "get 6 :status"); got != `0 "504"` {
		t.Errorf("status %s", got)
	}
	<-released
	h.Process().SetCluster("auth", quick)
	_, e = do(t, h, hostsim.Request{Body: bytes.Repeat([]byte("x"), 10)})
	if got := result(t, e.Log, "body 4 0 999"); got != `0 "yes"` {
		t.Errorf("body %s", got)
	}
}
