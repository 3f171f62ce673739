package hostsim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// TestLocalReplyHeadersAboutTheMessage: what a guest gives for :status, content-length and the connection does not count.
func TestLocalReplyHeadersAboutTheMessage(t *testing.T) {
	h := newHost(t, "request_headers: reply 403 :status=200,content-length=99,connection=close,transfer-encoding=chunked,x-a=b no; pause\nresponse_headers: get 2 :status")
	r, x := do(t, h, hostsim.Request{})
	length, _ := r.Headers.Get("content-length")
	own, _ := r.Headers.Get("x-a")
	if r.Status != 403 || string(r.Body) != "no" || length != "2" || own != "b" || r.Reset || len(x.Misframed) > 0 {
		t.Errorf("%+v, misframed %q", r, x.Misframed)
	}
	for _, name := range []string{"connection", "transfer-encoding", ":status"} {
		if v, ok := r.Headers.Get(name); ok {
			t.Errorf("the client got %s: %s", name, v)
		}
	}
	if got := result(t, x.Log, "get 2 :status"); got != `0 "403"` {
		t.Errorf("the response callback sees :status %s", got)
	}
}

// TestOddStatus: what clients make of a status that is none of a final response, whoever set it.
func TestOddStatus(t *testing.T) {
	type outcome struct {
		status               int
		hangs, reset, excess bool
	}
	for _, c := range []struct {
		status string
		reply  outcome // a local reply of that status, with a body
		spoilt outcome // a response whose :status the guest sets
	}{
		{"0", outcome{reset: true}, outcome{reset: true}},
		{"99", outcome{reset: true}, outcome{reset: true}},
		{"100", outcome{hangs: true}, outcome{hangs: true}},
		{"101", outcome{hangs: true}, outcome{hangs: true}},
		{"199", outcome{hangs: true}, outcome{hangs: true}},
		{"204", outcome{status: 204, excess: true}, outcome{status: 204, excess: true}},
		{"304", outcome{status: 304, excess: true}, outcome{status: 304, excess: true}},
		{"299", outcome{status: 299}, outcome{status: 299}},
		{"999", outcome{status: 999}, outcome{status: 999}},
		{"1000", outcome{reset: true}, outcome{reset: true}},
		{"66000", outcome{status: 464}, outcome{reset: true}}, // a reply's status has 16 bits
		{"abc", outcome{reset: true}, outcome{status: 502}},
		{"2x", outcome{reset: true}, outcome{status: 502}},
		{"-5", outcome{}, outcome{status: 502}},
		{"200,200", outcome{}, outcome{status: 502}},
		{"", outcome{}, outcome{status: 502}},
	} {
		check := func(how string, script string, want outcome) {
			h := newHost(t, script)
			r, x := do(t, h, hostsim.Request{})
			got := outcome{r.Status, r.Hangs, r.Reset, len(r.Excess) > 0}
			if got != want {
				t.Errorf("%s of status %q: %+v, want %+v", how, c.status, got, want)
			}
			odd := want.hangs || want.reset || want.excess
			if (len(x.Misframed) > 0) != odd {
				t.Errorf("%s of status %q: misframed %q", how, c.status, x.Misframed)
			}
			if want.status == 502 && (string(r.Body) != "missing required header: :status" || strings.Contains(said(x.Log), "say body")) {
				t.Errorf("%s of status %q: body %q, log %q", how, c.status, r.Body, said(x.Log))
			}
			if want.excess && len(r.Body) > 0 {
				t.Errorf("%s of status %q has body %q", how, c.status, r.Body)
			}
		}
		if strings.Trim(c.status, "0123456789") == "" && c.status != "" {
			check("a reply", "request_headers: reply "+c.status+" - no; pause", c.reply)
		}
		check("a response", "response_headers: set 2 :status "+c.status+"\nresponse_body: say body", c.spoilt)
	}
}

// TestCodeDetails: a reply without details has empty ones, and not those of what it replaces.
func TestCodeDetails(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"none given":                   {"request_headers: replybare 403 no; pause", `0 ""`},
		"in place of a response":       {"response_headers: replybare 403 no; pause", `0 ""`},
		"after the response's headers": {"response_body: replybare 403 no", `0 ""`},
		"given":                        {"request_headers: reply 403 - no; pause", `0 "scripted_reply"`},
		"of the backend's response":    {"request_headers: say x", `0 "via_upstream"`},
	} {
		_, x := do(t, newHost(t, c.script+"\nlog: prop response.code_details"), hostsim.Request{})
		if got := result(t, x.Log, "prop response.code_details"); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	h := newHost(t, "request_headers: prop response.code_details; prop response.code")
	_, x := do(t, h, hostsim.Request{})
	for _, op := range []string{"prop response.code_details", "prop response.code"} {
		if got := result(t, x.Log, op); got != "1" {
			t.Errorf("%s before there is a response: %s, want NotFound", op, got)
		}
	}
}

// TestFragmentInPath: the connection manager refuses it, and the plugin sees no more than the log phase.
func TestFragmentInPath(t *testing.T) {
	for path, want := range map[string]int{"/a#b": 400, "/#": 400, "/a?q=#b": 400, "/a%23b": 200, "/a?q=1": 200} {
		h := newHost(t, "request_headers: say asked\nresponse_headers: say answered\nlog: say logged")
		r, x := do(t, h, hostsim.Request{Path: path, Method: "POST", Body: []byte("body")})
		asked := strings.Contains(said(x.Log), "say asked") || strings.Contains(said(x.Log), "say answered")
		if r.Status != want || asked != (want == 200) || (x.Upstream != nil) != (want == 200) || !strings.Contains(said(x.Log), "say logged") {
			t.Errorf("%s: status %d, backend %v, log %q", path, r.Status, x.Upstream, said(x.Log))
		}
		if want == 400 && (x.Details != "path_normalization_failed" || !closes(r)) {
			t.Errorf("%s: details %s, headers %v", path, x.Details, r.Headers)
		}
	}
}

func closes(r hostsim.Response) bool { v, _ := r.Headers.Get("connection"); return v == "close" }

// TestConnectionClose: when Envoy ends the client's connection with a response.
func TestConnectionClose(t *testing.T) {
	post := hostsim.Request{Method: "POST", Body: []byte("body")}
	client := hostsim.Request{Headers: abi.Headers{{Name: "Connection", Value: "keep-alive, Close"}, {Name: "keep-alive", Value: "x"}, {Name: "te", Value: "gzip"}}}
	h2 := post
	h2.Info.Protocol = "HTTP/2"
	auth := hostsim.WithCluster("auth", upstream.Answer{Delay: time.Second})
	for name, c := range map[string]struct {
		script  string
		request hostsim.Request
		want    bool
	}{
		"400":                        {"request_headers: reply 400 - no; pause", hostsim.Request{}, true},
		"400 later":                  {"request_headers: call auth 5000; pause\nhttp_call_response: effective; reply 400 - no", post, true},
		"400 for a response":         {"response_headers: reply 400 - no", hostsim.Request{}, true},
		"400 of the backend's":       {"response_headers: set 2 :status 400", hostsim.Request{}, false},
		"403":                        {"request_headers: reply 403 - no; pause", hostsim.Request{}, false},
		"403 before the body":        {"request_headers: reply 403 - no; pause", post, true},
		"403 in the body":            {"request_body: reply 403 - no", post, true},
		"403 at its end":             {"request_body: pauseuntilend; atend reply 403 - no", post, false},
		"403 when the body is there": {"request_headers: call auth 5000; pause\nhttp_call_response: effective; reply 403 - no", post, false},
		"503 of a crash":             {"request_headers: panic", post, true},
		"HTTP/2":                     {"request_headers: reply 400 - no; pause", h2, false},
		"the client wants it":        {"request_headers: say x", client, true},
		"the guest wants it":         {"response_headers: set 2 connection close", hostsim.Request{}, false},
		"200":                        {"request_headers: say x", post, false},
	} {
		r, x := do(t, newHost(t, c.script, auth), c.request)
		if closes(r) != c.want {
			t.Errorf("%s: closes %v, want %v: %d %v", name, closes(r), c.want, r.Status, r.Headers)
		}
		if x.Upstream == nil {
			continue
		}
		for _, h := range x.Upstream.Headers {
			if slices.Contains([]string{"connection", "keep-alive", "te"}, h.Name) {
				t.Errorf("%s: the backend got %s: %s", name, h.Name, h.Value)
			}
		}
	}
}

// TestClientThatSendsLess: a request that is not whole is the client's fault, and ends the connection.
func TestClientThatSendsLess(t *testing.T) {
	h := newHost(t, "request_headers: say x", hostsim.WithConnectionManager(hostsim.ConnectionManager{StreamIdleTimeout: time.Second}))
	r, x := do(t, h, hostsim.Request{Method: "POST", Headers: abi.Headers{{Name: "content-length", Value: "9"}}, Body: []byte("body")})
	if r.Status != 408 || !closes(r) || x.Upstream == nil || x.Upstream.Complete || x.Elapsed != time.Second {
		t.Errorf("%+v after %v, backend %+v; want 408", r, x.Elapsed, x.Upstream)
	}
}

// TestUpstreamAddressDefault: there is a backend, and it has an address.
func TestUpstreamAddressDefault(t *testing.T) {
	h := newHost(t, "request_headers: prop upstream.address\nresponse_headers: say x; prop upstream.address; prop upstream.local_address")
	for given, want := range map[string]string{"": "127.0.0.1:8080", "10.0.0.1:99": "10.0.0.1:99"} {
		_, x := do(t, h, hostsim.Request{Info: hostsim.StreamInfo{UpstreamAddr: given}})
		text := said(x.Log)
		if !strings.Contains(text, ": prop upstream.address -> 1\n") || !strings.Contains(text, fmt.Sprintf(`: prop upstream.address -> 0 %q`, want)) {
			t.Errorf("given %q: %s", given, text)
		}
	}
}

// TestTrapInContextCreate: the start goes on, as on Envoy: vm_start is called, and the plugin is taken. Its VM is lost.
func TestTrapInContextCreate(t *testing.T) {
	env := hostsim.WithEnv(map[string]string{"TRAP_IN_CONTEXT_CREATE": "1"})
	h := newHost(t, "configure: say configured", env, hostsim.WithVMConfig([]byte("vm_start: say started")))
	r, _ := do(t, h, hostsim.Request{})
	text := said(h.Log())
	if r.Status != 503 || strings.Count(text, "say started") != 3 || strings.Contains(text, "say configured") {
		t.Errorf("status %d, log:\n%s", r.Status, text)
	}
	_, err := scriptedModule(t).New(t.Context(), env, hostsim.WithVMConfig([]byte("vm_start: say started; answer 0")))
	if err == nil || !strings.Contains(err.Error(), "Failed to start base Wasm") {
		t.Errorf("vm_start answered false, and the error is %v", err)
	}
}
