package hostsim_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/event"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

func upper(b []byte) []byte { return bytes.ToUpper(b) }

func talk(t *testing.T, h *hostsim.Host, c hostsim.Conversation) hostsim.Conversed {
	t.Helper()
	got, err := h.DoTCP(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func wantTalk(t *testing.T, got hostsim.Conversed, toBackend, toClient string, complete bool) {
	t.Helper()
	if string(got.ToBackend) != toBackend || string(got.ToClient) != toClient || got.Complete != complete {
		t.Errorf("backend got %q, client %q, complete %v; want %q, %q, %v", got.ToBackend, got.ToClient, got.Complete, toBackend, toClient, complete)
	}
}

func pieces(s ...string) [][]byte {
	var out [][]byte
	for _, p := range s {
		out = append(out, []byte(p))
	}
	return out
}

// TestTCPCallbacks has the order and the arguments that real Envoys showed: the fidelity cases tcp_callbacks_*.
func TestTCPCallbacks(t *testing.T) {
	h := newHost(t, `context_create: say x
new_connection: say x
downstream_data: body 2 0 99; body 3 0 9
upstream_data: body 3 0 99; body 2 0 9
downstream_close: say x
upstream_close: say x
log: say x
done: say x
delete: say x`)
	got := talk(t, h, hostsim.Conversation{Say: pieces("one", "two"), Backend: upper})
	wantTalk(t, got, "onetwo", "ONETWO", true)
	wantSaid(t, got.Log,
		"context_create 2 1: say x -> ", "new_connection 2: say x -> ",
		`downstream_data 2 3 0: body 2 0 99 -> 0 "one"`, `downstream_data 2 3 0: body 3 0 9 -> 0 ""`,
		`upstream_data 2 3 0: body 3 0 99 -> 0 "ONE"`, `upstream_data 2 3 0: body 2 0 9 -> 0 ""`,
		`downstream_data 2 3 1: body 2 0 99 -> 0 "two"`, `downstream_data 2 3 1: body 3 0 9 -> 0 ""`,
		`upstream_data 2 3 1: body 3 0 99 -> 0 "TWO"`, `upstream_data 2 3 1: body 2 0 9 -> 0 ""`,
		"upstream_close 2 0: say x -> ", "downstream_close 2 1: say x -> ",
		"done 2: say x -> ", "log 2: say x -> ", "delete 2: say x -> ")
}

func TestTCPHoldAndEdit(t *testing.T) {
	h := newHost(t, "downstream_data: setbody 2 0 0 <; pauseuntilend\nupstream_data: setbody 3 0 99 replaced")
	got := talk(t, h, hostsim.Conversation{Say: pieces("one", "two"), Backend: upper})
	wantTalk(t, got, "<<onetwo", "replaced", true)
}

func TestTCPCallThenContinue(t *testing.T) {
	h := newHost(t, `new_connection: call auth 1000; pause
downstream_data: call auth 1000; pause; body 2 0 99
http_call_response: effective; continue 2; continue 3`,
		hostsim.WithCluster("auth", upstream.Answer{Delay: 200 * time.Millisecond}))
	got := talk(t, h, hostsim.Conversation{Say: pieces("one", "two"), Backend: upper})
	wantTalk(t, got, "onetwo", "ONETWO", true)
	if got.Elapsed != 400*time.Millisecond {
		t.Errorf("took %v: one call for the connection, one for what came meanwhile", got.Elapsed)
	}
	if r := result(t, got.Log, "continue 3"); r != "12" {
		t.Errorf("continue_stream(upstream) answered %s, want 12", r)
	}
}

func TestTCPCloseStream(t *testing.T) {
	for stream, closes := range map[string]bool{"0": false, "1": false, "2": true, "3": true} {
		h := newHost(t, "downstream_data: close "+stream+"\ndone: say x")
		got := talk(t, h, hostsim.Conversation{Say: pieces("one"), Backend: upper})
		if got.Complete == closes || !strings.Contains(said(got.Log), "done 2: say x") {
			t.Errorf("close %s: complete %v, log\n%s", stream, got.Complete, said(got.Log))
		}
	}
}

// TestTCPHeldConnection: while on_new_connection is held, nobody reads, and not even a reset is noticed.
func TestTCPHeldConnection(t *testing.T) {
	h := newHost(t, "new_connection: pause\ndownstream_data: say x\ndownstream_close: say x")
	if _, err := h.DoTCP(t.Context(), hostsim.Conversation{Say: pieces("one")}); err == nil {
		t.Error("a held connection came to an end")
	}
	c, err := h.NewConnection(0, hostsim.StreamInfo{})
	if err != nil {
		t.Fatal(err)
	}
	at := len(h.Log())
	if err := errors.Join(c.ClientData([]byte("x"), false), c.ClientReset()); err != nil {
		t.Fatal(err)
	}
	if e, ok := c.Poll(); ok {
		t.Errorf("event %v", e.Kind)
	}
	wantSaid(t, h.Log()[at:])
}

func TestTCPRefusedBackend(t *testing.T) {
	h := newHost(t, "downstream_close: prop response.flags\nlog: say x")
	got := talk(t, h, hostsim.Conversation{Say: pieces("one"), Refuse: true})
	wantTalk(t, got, "", "", false)
	if flags := result(t, got.Log, "prop response.flags"); flags != `0 " \x00\x00\x00\x00\x00\x00\x00"` {
		t.Errorf("flags %s, want bit 5: upstream connection failure", flags)
	}
}

// TestTCPIdleTimeout: data that is held when the backend is connected ends by tcp_proxy's idle timeout.
func TestTCPIdleTimeout(t *testing.T) {
	h := newHost(t, "downstream_data: pause\ndownstream_close: say x")
	got := talk(t, h, hostsim.Conversation{Say: pieces("one")})
	if got.Elapsed != time.Hour || !strings.Contains(said(got.Log), "downstream_close 2 1") {
		t.Errorf("took %v; log\n%s", got.Elapsed, said(got.Log))
	}
}

// TestTCPResets: which version passes a reset on as a reset.
func TestTCPResets(t *testing.T) {
	for profile, want := range map[string]struct{ client, backend bool }{"1.37": {}, "1.38": {client: true}, "1.40": {client: true, backend: true}} {
		h := newHost(t, "", hostsim.WithProfile(profile))
		for _, fromBackend := range []bool{true, false} {
			c, err := h.NewConnection(0, hostsim.StreamInfo{})
			if err != nil {
				t.Fatal(err)
			}
			feed := []error{c.Connected()}
			if fromBackend {
				feed = append(feed, c.BackendReset())
			} else {
				feed = append(feed, c.ClientReset())
			}
			if err := errors.Join(feed...); err != nil {
				t.Fatal(err)
			}
			for {
				e, ok := c.Poll()
				if !ok {
					break
				}
				if fromBackend && e.Kind == event.ClientReset && e.End == want.client || !fromBackend && e.Kind == event.UpstreamReset && e.End == want.backend {
					t.Errorf("%s, from the backend %v: %v in order %v", profile, fromBackend, e.Kind, e.End)
				}
			}
		}
	}
}

func TestTCPCrash(t *testing.T) {
	for policy, passes := range map[hostsim.FailurePolicy]bool{hostsim.FailClosed: false, hostsim.FailOpen: true} {
		h := newHost(t, "downstream_data: panic", hostsim.WithFailurePolicy(policy))
		got := talk(t, h, hostsim.Conversation{Say: pieces("one"), Backend: upper})
		wantTalk(t, got, "", "", false)
		got = talk(t, h, hostsim.Conversation{Say: pieces("one"), Backend: upper})
		if got.Complete != passes {
			t.Errorf("policy %v: a later connection complete %v", policy, got.Complete)
		}
	}
}

func TestTCPProperties(t *testing.T) {
	h := newHost(t, "new_connection: prop source.address; prop xds.cluster_name; prop request.path; setprop a v\ndownstream_data: prop xds.cluster_name; prop upstream.address; prop a")
	got := talk(t, h, hostsim.Conversation{Say: pieces("x"), Info: hostsim.StreamInfo{RemoteAddr: "10.0.0.1:5", ClusterName: "c", UpstreamAddr: "10.0.0.2:6"}})
	wantSaid(t, got.Log,
		`new_connection 2: prop source.address -> 0 "10.0.0.1:5"`, "new_connection 2: prop xds.cluster_name -> 1", "new_connection 2: prop request.path -> 1",
		"new_connection 2: setprop a v -> 0", `downstream_data 2 1 1: prop xds.cluster_name -> 0 "c"`, `downstream_data 2 1 1: prop upstream.address -> 0 "10.0.0.2:6"`,
		`downstream_data 2 1 1: prop a -> 0 "v"`)
	if string(got.FilterState["wasm.a"]) != "v" {
		t.Errorf("filter state %q", got.FilterState)
	}
}
