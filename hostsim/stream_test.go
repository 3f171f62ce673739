package hostsim_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

func TestPassThrough(t *testing.T) {
	h := newHost(t, "")
	r, e := do(t, h, hostsim.Request{Path: "/a?b=c", Headers: abi.Headers{{Name: "X-Mixed", Value: "V"}}})
	wantStatus(t, r, 200)
	if string(r.Body) != "backend\n" {
		t.Errorf("body %q", r.Body)
	}
	if v, _ := e.Upstream.Headers.Get("x-mixed"); v != "V" || !e.Upstream.Complete {
		t.Errorf("backend saw %+v", e.Upstream)
	}
}

func TestCallbackOrder(t *testing.T) {
	h := newHost(t, `context_create: say x
request_headers: say x
request_body: say x
request_trailers: say x
response_headers: say x
response_body: say x
response_trailers: say x
log: say x
done: say x
delete: say x`,
		hostsim.WithUpstream(upstream.Answer{Body: []byte("abc"), Trailers: abi.Headers{{Name: "t", Value: "1"}}}))
	_, e := do(t, h, hostsim.Request{Body: []byte("hello"), Trailers: abi.Headers{{Name: "a", Value: "b"}}})
	wantSaid(t, e.Log,
		"context_create 2 1: say x -> ",
		"request_headers 2 6 0: say x -> ",
		"request_body 2 5 0: say x -> ",
		"request_trailers 2 1: say x -> ",
		"response_headers 2 2 0: say x -> ",
		"response_body 2 3 0: say x -> ",
		"response_trailers 2 1: say x -> ",
		"log 2: say x -> ", "done 2: say x -> ", "delete 2: say x -> ")
}

func TestHeaderPauseHoldsBodyAndTrailers(t *testing.T) {
	h := newHost(t, `request_headers: call auth 1000; pause
request_body: body 0 0 99
http_call_response: effective; continue 0`,
		hostsim.WithCluster("auth", upstream.Answer{Delay: 200 * time.Millisecond}))
	body := bytes.Repeat([]byte("x"), 3<<20)
	r, e := do(t, h, hostsim.Request{Method: "POST", Body: body, BodyIn: 64 << 10})
	wantStatus(t, r, 200)
	if !bytes.Equal(e.Upstream.Body, body) {
		t.Errorf("backend got %d bytes, want %d: a body held by a header pause has no limit", len(e.Upstream.Body), len(body))
	}
	if e.Elapsed != 200*time.Millisecond {
		t.Errorf("took %v", e.Elapsed)
	}
	if n := strings.Count(said(e.Log), "request_body"); n != 1 {
		t.Errorf("%d body callbacks, want 1 with the whole body", n)
	}
}

func TestBodyPauseBuffersAndIsBounded(t *testing.T) {
	h := newHost(t, "request_body: pauseuntilend; body 0 0 99; setbody 0 0 3 new", hostsim.WithConnectionManager(hostsim.ConnectionManager{BufferLimit: 100}))
	r, e := do(t, h, hostsim.Request{Method: "POST", Body: []byte("abcdef"), BodyIn: 2})
	wantStatus(t, r, 200)
	if got := string(e.Upstream.Body); !strings.HasPrefix(got, "new") {
		t.Errorf("backend got %q", got)
	}
	r, e = do(t, h, hostsim.Request{Method: "POST", Body: bytes.Repeat([]byte("x"), 200), BodyIn: 30})
	wantStatus(t, r, 413)
	if string(r.Body) != "Payload Too Large" || e.Upstream == nil || e.Upstream.Complete {
		t.Errorf("response %q, backend %+v", r.Body, e.Upstream)
	}
}

func TestLocalReply(t *testing.T) {
	h := newHost(t, `request_headers: reply 403 x-why=no,content-type=text/html denied
response_headers: get 2 :status; add 2 x-ours yes
response_body: body 1 0 99`)
	r, e := do(t, h, hostsim.Request{})
	wantStatus(t, r, 403)
	wantUpstream(t, e, false)
	if string(r.Body) != "denied" || e.Details != "scripted_reply" {
		t.Errorf("body %q, details %q", r.Body, e.Details)
	}
	for name, want := range map[string]string{"x-why": "no", "x-ours": "yes", "content-type": "text/html", "content-length": "6"} {
		if got, _ := r.Headers.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	wantSaid(t, e.Log,
		"request_headers 2 6 1: reply 403 x-why=no,content-type=text/html denied -> 0",
		`response_headers 2 4 0: get 2 :status -> 0 "403"`, "response_headers 2 4 0: add 2 x-ours yes -> 0",
		`response_body 2 6 1: body 1 0 99 -> 0 "denied"`)
}

// TestOneVerdict has what real Envoys did with a guest that gives two.
func TestOneVerdict(t *testing.T) {
	const callThen = "request_headers: call auth 1000; pause\nhttp_call_response: effective; "
	for _, tt := range []struct {
		name, script string
		status       int
		leaks        bool
	}{
		{"headers: reply, continue", "request_headers: reply 403 - no; continue 0; pause", 403, false},
		{"headers: continue, reply", "request_headers: continue 0; reply 403 - no; pause", 403, true},
		{"headers: reply and action continue", "request_headers: reply 403 - no", 403, false},
		{"headers: two replies", "request_headers: reply 403 - no; reply 404 - later; pause", 403, false},
		{"callback: reply, continue", callThen + "reply 403 - no; continue 0", 403, true},
		{"callback: continue, reply", callThen + "continue 0; reply 403 - no", 403, true},
		{"callback: two replies", callThen + "reply 403 - no; reply 404 - later", 404, false},
		{"callback: continue twice", callThen + "continue 0; continue 0", 200, true},
		{"callback: reply", callThen + "reply 403 - no", 403, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t, tt.script+"\nresponse_headers: say headers\nresponse_body: say body", hostsim.WithCluster("auth", upstream.Respond(200, "")))
			r, e := do(t, h, hostsim.Request{})
			wantStatus(t, r, tt.status)
			wantUpstream(t, e, tt.leaks)
			if tt.name == "callback: two replies" {
				if got := said(e.Log); strings.Count(got, "say headers") != 1 || strings.Contains(got, "say body") {
					t.Errorf("encoder callbacks ran for the wrong reply:\n%s", got)
				}
			}
		})
	}
}

func TestReplyWithoutEffectiveContextDoesNothing(t *testing.T) {
	for _, verdict := range []string{"reply 403 - no", "continue 0"} {
		h := newHost(t, "request_headers: call auth 1000; pause\nhttp_call_response: "+verdict,
			hostsim.WithCluster("auth", upstream.Respond(200, "")))
		r, e := do(t, h, hostsim.Request{})
		if got := result(t, e.Log, verdict); got != "0" {
			t.Errorf("%s answered %s, want 0", verdict, got)
		}
		wantStatus(t, r, 504)
		wantUpstream(t, e, false)
		if e.Details != "stream_idle_timeout" || e.Elapsed < 5*time.Minute {
			t.Errorf("details %q after %v: want a hang until the idle timeout", e.Details, e.Elapsed)
		}
	}
}

// TestStopIterationOption shows the open door that allow_on_headers_stop_iteration makes of a header-only filter.
func TestStopIterationOption(t *testing.T) {
	script := "request_headers: call auth 1000; pause\nhttp_call_response: effective; reply 403 - no"
	auth := hostsim.WithCluster("auth", upstream.Answer{Delay: 200 * time.Millisecond})
	post := hostsim.Request{Method: "POST", Body: []byte("abc")}
	for _, tt := range []struct {
		name    string
		script  string
		opts    []hostsim.Option
		request hostsim.Request
		status  int
	}{
		{"default", script, nil, post, 403},
		{"option, body callback continues", script, []hostsim.Option{hostsim.WithAllowOnHeadersStopIteration()}, post, 200},
		{"option, no body", script, []hostsim.Option{hostsim.WithAllowOnHeadersStopIteration()}, hostsim.Request{}, 403},
		{"option, body callback pauses", script + "\nrequest_body: pause", []hostsim.Option{hostsim.WithAllowOnHeadersStopIteration()}, post, 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t, tt.script, append(tt.opts, auth)...)
			r, e := do(t, h, tt.request)
			wantStatus(t, r, tt.status)
			wantUpstream(t, e, tt.status == 200)
		})
	}
}

func TestCloseStream(t *testing.T) {
	h := newHost(t, "@req request_headers: close 0; pause\n@down request_headers: close 2\n@bad request_headers: close 4")
	script := func(name string) hostsim.Request {
		return hostsim.Request{Headers: abi.Headers{{Name: "x-script", Value: name}}}
	}
	r, e := do(t, h, script("req"))
	if r.Status != 0 || !r.Reset || e.Upstream != nil {
		t.Errorf("close 0: %+v", r)
	}
	r, _ = do(t, h, script("down"))
	wantStatus(t, r, 200)
	_, e = do(t, h, script("bad"))
	if got := result(t, e.Log, "close 4"); got != "2" {
		t.Errorf("close 4 answered %s", got)
	}
}

func TestResponsePause(t *testing.T) {
	for verdict, status := range map[string]int{"continue 1": 200, "reply 403 - no": 403} {
		h := newHost(t, "response_headers: say once; call auth 1000; get 0 :path; prop request.path; pause\nhttp_call_response: effective; "+verdict,
			hostsim.WithCluster("auth", upstream.Respond(200, "")))
		r, e := do(t, h, hostsim.Request{})
		wantStatus(t, r, status)
		if strings.Count(said(e.Log), "say once") != 1 {
			t.Errorf("%s: encoder callbacks ran again for a reply of the response phase", verdict)
		}
		if got := result(t, e.Log, "get 0 :path"); got != "2" {
			t.Errorf("request headers in the response phase: %s, want 2", got)
		}
		if got := result(t, e.Log, "prop request.path"); got != "1" {
			t.Errorf("request.path in the response phase: %s, want 1", got)
		}
	}
}

func TestHeadersAfterContinue(t *testing.T) {
	h := newHost(t, `request_headers: call auth 1000; pause
http_call_response: effective; get 0 :path; get 6 :status; body 4 0 9; continue 0; get 0 :path; set 0 a b; get 6 :status`,
		hostsim.WithCluster("auth", upstream.Respond(204, "body")))
	_, e := do(t, h, hostsim.Request{})
	wantSaid(t, e.Log,
		"request_headers 2 6 1: call auth 1000 -> 0 4",
		`http_call_response 1 4 2 4 0: effective -> 0`,
		`http_call_response 1 4 2 4 0: get 0 :path -> 0 "/"`,
		`http_call_response 1 4 2 4 0: get 6 :status -> 0 "204"`,
		`http_call_response 1 4 2 4 0: body 4 0 9 -> 0 "body"`,
		`http_call_response 1 4 2 4 0: continue 0 -> 0`,
		`http_call_response 1 4 2 4 0: get 0 :path -> 2`,
		`http_call_response 1 4 2 4 0: set 0 a b -> 2`,
		`http_call_response 1 4 2 4 0: get 6 :status -> 0 "204"`)
}

func TestLogPhase(t *testing.T) {
	h := newHost(t, "log: get 0 :path; get 1 a; get 2 :status; set 0 a b; prop response.code_details; prop request.path")
	_, e := do(t, h, hostsim.Request{Path: "/p"})
	for op, want := range map[string]string{
		"get 0 :path": `0 "/p"`, "get 1 a": "1", "get 2 :status": `0 "200"`, "set 0 a b": "2",
		"prop response.code_details": `0 "via_upstream"`, "prop request.path": `0 "/p"`,
	} {
		if got := result(t, e.Log, op); got != want {
			t.Errorf("%s -> %s, want %s", op, got, want)
		}
	}
}

func TestRejectedEarlier(t *testing.T) {
	h := newHost(t, "context_create: say c\nrequest_headers: say h\nresponse_headers: say r\nlog: get 0 :path\ndone: say d\ndelete: say x")
	for _, headers := range []abi.Headers{{{Name: ":path", Value: "/x"}}, nil} {
		s, err := h.NewStream(0, hostsim.StreamInfo{})
		if err != nil {
			t.Fatal(err)
		}
		at := len(h.Log())
		if err := s.RejectEarlier(headers, 400, "bad"); err != nil {
			t.Fatal(err)
		}
		got := said(h.Log()[at:])
		if strings.Contains(got, "request_headers") || strings.Contains(got, "response_headers") {
			t.Errorf("callbacks ran that must not:\n%s", got)
		}
		want := `get 0 :path -> 0 "/x"`
		if headers == nil {
			want = "get 0 :path -> 1"
		}
		for _, part := range []string{"context_create", want, "done", "delete"} {
			if !strings.Contains(got, part) {
				t.Errorf("no %q in\n%s", part, got)
			}
		}
	}
}
