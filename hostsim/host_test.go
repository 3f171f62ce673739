package hostsim_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

func TestStartOrder(t *testing.T) {
	h := newHost(t, "context_create: say c\nvm_start: say s\nconfigure: body 7 0 999; body 6 0 99; prop plugin_root_id; prop request.path",
		hostsim.WithWorkers(2), hostsim.WithVMConfig([]byte("vm")), hostsim.WithRootID("root"))
	var threads []int
	for _, l := range h.Log() {
		if strings.Contains(l.Message, "body 6 0 99 -> 0 \"vm\"") {
			threads = append(threads, l.Thread)
		}
	}
	if want := []int{0, 0, 1, 2}; !slices.Equal(threads, want) {
		t.Errorf("configured on threads %v, want %v: canary, main thread, workers", threads, want)
	}
	if got := result(t, h.Log(), "prop plugin_root_id"); got != `0 "root"` {
		t.Error(got)
	}
	if got := result(t, h.Log(), "prop request.path"); got != "1" {
		t.Error(got)
	}
}

func TestRefusedConfiguration(t *testing.T) {
	for name, script := range map[string]string{
		"false from configure": "configure: say because; answer 0",
		"panic in configure":   "configure: say because; panic",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := scriptedModule(t).New(t.Context(), hostsim.WithConfig([]byte(script)))
			var refused *hostsim.ConfigError
			if !errors.As(err, &refused) {
				t.Fatalf("error %v", err)
			}
			if got := said(refused.Log); strings.Count(got, "say because") != 1 {
				t.Errorf("want the canary's words once:\n%s", got)
			}
			if !strings.Contains(refused.Reason, "Unable to create Wasm plugin plugin") {
				t.Errorf("reason %q", refused.Reason)
			}
		})
	}
}

func TestRefusedUpdateKeepsTheOld(t *testing.T) {
	h := newHost(t, "request_headers: reply 403 - old")
	if err := h.UpdateConfig([]byte("configure: answer 0")); err == nil {
		t.Fatal("update was accepted")
	}
	r, _ := do(t, h, hostsim.Request{})
	wantStatus(t, r, 403)
}

func TestUpdateSharesTheVMAndDrainsTheOldRoot(t *testing.T) {
	h := newHost(t, "request_headers: call auth 60000; pause\nhttp_call_response: say late\ndone: say done\ndelete: say deleted\nlog: say log",
		hostsim.WithCluster("auth", upstream.Answer{Delay: 30 * time.Second}))
	pending, err := h.Start(hostsim.Request{})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.UpdateConfig([]byte("request_headers: reply 403 - new")); err != nil {
		t.Fatal(err)
	}
	r, _ := do(t, h, hostsim.Request{})
	if string(r.Body) != "new" {
		t.Errorf("body %q", r.Body)
	}
	if pending.Done() {
		t.Error("the old root's stream ended with the update")
	}
	at := len(h.Log())
	h.Drain()
	var onWorker []hostsim.LogLine
	for _, l := range h.Log()[at:] {
		if l.Thread == 1 {
			onWorker = append(onWorker, l)
		}
	}
	wantSaid(t, onWorker, "log 2: say log -> ", "done 2: say done -> ", "delete 2: say deleted -> ", "done 1: say done -> ", "delete 1: say deleted -> ")
	h.Advance(time.Minute)
	if strings.Contains(said(h.Log()), "say late") {
		t.Error("a callout of the deleted root called back")
	}
	r, _ = do(t, h, hostsim.Request{})
	wantStatus(t, r, 403)
}

func TestTicks(t *testing.T) {
	h := newHost(t, "configure: tick 100\ntick: sdadd ticks 1", hostsim.WithWorkers(2))
	h.Advance(time.Second)
	if got := string(h.Process().SharedData("")["ticks"]); got != "30" {
		t.Errorf("%s ticks in a second on a main thread and 2 workers, want 30", got)
	}
}

func TestOneProcessTwoListeners(t *testing.T) {
	p, err := hostsim.NewProcess(hostsim.WithWorkers(2))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	script := func(write string) hostsim.HostOption {
		return hostsim.WithConfig([]byte("request_headers: sdset key 0 " + write + "\nresponse_headers: sdget key"))
	}
	host := func(opts ...hostsim.HostOption) *hostsim.Host {
		h, err := p.NewHost(t.Context(), scriptedModule(t), opts...)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	a, b := host(script("a"), hostsim.WithVMConfig([]byte("1"))), host(script("b"), hostsim.WithVMConfig([]byte("2")))
	other := host(script("o"), hostsim.WithVMID("other"))
	do(t, a, hostsim.Request{})
	do(t, other, hostsim.Request{})
	do(t, b, hostsim.Request{Worker: 1})
	if got := string(p.SharedData("")["key"]); got != "b" {
		t.Errorf("shared data of the empty vm_id: %q", got)
	}
	if got := string(p.SharedData("other")["key"]); got != "o" {
		t.Errorf("shared data of the other vm_id: %q", got)
	}
	if _, ok := any(hostsim.WithWorkers(3)).(hostsim.HostOption); ok {
		t.Error("an option of the process is one that NewHost takes")
	}
	if err := other.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if got := p.SharedData("other"); len(got) != 0 {
		t.Errorf("shared data outlived its last plugin: %v", got)
	}
}

func TestFailClosed(t *testing.T) {
	h := newHost(t, "@die request_headers: panic\nresponse_headers: say r\nlog: say l")
	for i, script := range []string{"die", "live", "live"} {
		r, e := do(t, h, hostsim.Request{Headers: abi.Headers{{Name: "x-script", Value: script}}})
		wantStatus(t, r, 503)
		wantUpstream(t, e, false)
		if e.Details != "wasm_fail_stream" || len(r.Body) != 0 {
			t.Errorf("request %d: details %q, body %q", i, e.Details, r.Body)
		}
		if strings.Contains(said(e.Log), "say") {
			t.Errorf("request %d: callbacks ran in a crashed VM", i)
		}
		h.Advance(time.Hour)
	}
}

func TestFailOpen(t *testing.T) {
	h := newHost(t, "@die request_headers: panic\nrequest_headers: reply 403 - no", hostsim.WithFailurePolicy(hostsim.FailOpen))
	for i, want := range []int{403, 503, 200} {
		r, _ := do(t, h, hostsim.Request{Headers: abi.Headers{{Name: "x-script", Value: []string{"", "die", ""}[i]}}})
		wantStatus(t, r, want)
	}
}

func TestFailReload(t *testing.T) {
	h := newHost(t, "@die request_headers: panic\nrequest_headers: sdget kept", hostsim.WithFailurePolicy(hostsim.FailReload), hostsim.WithWorkers(2))
	h.Process().SetSharedData("", "kept", []byte("v"))
	request := func(script string, worker int) int {
		r, _ := do(t, h, hostsim.Request{Worker: worker, Headers: abi.Headers{{Name: "x-script", Value: script}}})
		return r.Status
	}
	h.Advance(time.Minute)
	if got := request("die", 0); got != 503 {
		t.Errorf("crash: %d", got)
	}
	if got := request("", 1); got != 200 {
		t.Errorf("other worker: %d", got)
	}
	if got := request("", 0); got != 200 {
		t.Errorf("long after the load a crash is repaired at once: %d", got)
	}
	request("die", 0)
	if got := request("", 0); got != 503 {
		t.Errorf("within the backoff: %d", got)
	}
	h.Advance(999 * time.Millisecond)
	if got := request("", 0); got != 503 {
		t.Errorf("999 ms after the load: %d", got)
	}
	h.Advance(501 * time.Millisecond)
	if got := request("", 0); got != 200 {
		t.Errorf("1.5 s after the load: %d", got)
	}
	if got := h.ReloadStats(); got.Success != 2 || got.Backoff != 2 {
		t.Errorf("stats %+v", got)
	}
}

// TestCrashAndOtherStreams: a stream that waits for a callout hangs, one that waits for the backend gets 503.
func TestCrashAndOtherStreams(t *testing.T) {
	h := newHost(t, "@wait request_headers: call auth 1000; pause\n@die request_headers: panic\n@pass response_headers: say x\nhttp_call_response: effective; continue 0",
		hostsim.WithCluster("auth", upstream.Answer{Delay: time.Second / 2}), hostsim.WithUpstream(upstream.Answer{Delay: time.Second / 2}))
	start := func(script string) *hostsim.Pending {
		p, err := h.Start(hostsim.Request{Headers: abi.Headers{{Name: "x-script", Value: script}}})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	waiting, passed := start("wait"), start("pass")
	start("die")
	r, _, err := passed.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, r, 503)
	h.Advance(4 * time.Minute)
	if waiting.Done() {
		t.Error("the paused stream ended by itself")
	}
	r, e, err := waiting.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, r, 503)
	if e.Elapsed != 5*time.Minute {
		t.Errorf("paused stream ended after %v, want the idle timeout", e.Elapsed)
	}
}

func TestPanicInCalloutCallbackHangsItsStream(t *testing.T) {
	h := newHost(t, "request_headers: call auth 1000; pause\nhttp_call_response: effective; panic",
		hostsim.WithCluster("auth", upstream.Respond(200, "")), hostsim.WithConnectionManager(hostsim.ConnectionManager{StreamIdleTimeout: time.Second}))
	r, e := do(t, h, hostsim.Request{})
	wantStatus(t, r, 503)
	if e.Elapsed != time.Second {
		t.Errorf("ended after %v", e.Elapsed)
	}
}

func TestCrashWithAReplyQueued(t *testing.T) {
	h := newHost(t, "request_headers: reply 403 - no; panic")
	r, _ := do(t, h, hostsim.Request{})
	wantStatus(t, r, 503)
}
