package hostsim_test

import (
	"context"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// chained are two plugins of the scripted guest, the second behind the first, with what both logged in order.
func chained(t *testing.T, first, second string, opts ...hostsim.HostOption) (*hostsim.Host, func() []string) {
	t.Helper()
	p, err := hostsim.NewProcess()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	var lines []string
	start := func(name, script string) *hostsim.Host {
		h, err := p.NewHost(t.Context(), scriptedModule(t), append([]hostsim.HostOption{hostsim.WithName(name), hostsim.WithVMID(name),
			hostsim.WithConfig([]byte(script)), hostsim.WithLog(func(l hostsim.LogLine) { lines = append(lines, name+" "+l.Message) })}, opts...)...)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	a, b := start("a", first), start("b", second)
	a.SetNext(b)
	lines = nil
	return a, func() []string { return lines }
}

// events are the names of events and operations in log lines: "a request_headers 2 5 1: say x -> " is "a request_headers say x".
func events(lines []string) string {
	var out []string
	for _, l := range lines {
		head, rest, _ := strings.Cut(l, ": ")
		words := strings.Fields(head)
		op, _, _ := strings.Cut(strings.TrimPrefix(rest, "atend "), " -> ")
		out = append(out, strings.Join([]string{words[0], words[1], op}, " "))
	}
	return strings.Join(out, "\n")
}

const every = "request_headers: say x\nrequest_body: atend say x\nresponse_headers: say x\nresponse_body: atend say x\nlog: say x\ndone: say x\ndelete: say x"

func TestChainOrder(t *testing.T) {
	h, lines := chained(t, every, every)
	r, e := do(t, h, hostsim.Request{Method: "POST", Body: []byte("body")})
	wantStatus(t, r, 200)
	if string(e.Upstream.Body) != "body" || !e.Upstream.Complete {
		t.Errorf("backend saw %q, complete %v", e.Upstream.Body, e.Upstream.Complete)
	}
	want := `a request_headers say x
b request_headers say x
a request_body say x
b request_body say x
b response_headers say x
a response_headers say x
b response_body say x
a response_body say x
a log say x
b log say x
a done say x
a delete say x
b done say x
b delete say x`
	if got := events(lines()); got != want {
		t.Errorf("order\n%s\nwant\n%s", got, want)
	}
}

// What one plugin writes the other reads: headers, bodies, filter state.
func TestChainPassesOnWhatWasChanged(t *testing.T) {
	h, lines := chained(t, "request_headers: set 0 x-by a; remove 0 content-length; setprop team blue\nrequest_body: setbody 0 0 99 A\nresponse_headers: get 2 x-by",
		"request_headers: get 0 x-by; prop team; prop request.path\nrequest_body: atend body 0 0 9\nresponse_headers: set 2 x-by b")
	r, e := do(t, h, hostsim.Request{Method: "POST", Path: "/p", Body: []byte("body")})
	if got, _ := e.Upstream.Headers.Get("x-by"); got != "a" {
		t.Errorf("backend saw x-by %q", got)
	}
	if got, _ := r.Headers.Get("x-by"); got != "b" {
		t.Errorf("client saw x-by %q", got)
	}
	all := strings.Join(lines(), "\n")
	for _, want := range []string{`get 0 x-by -> 0 "a"`, `prop team -> 0 "blue"`, `prop request.path -> 0 "/p"`, `get 2 x-by -> 0 "b"`} {
		if !strings.Contains(all, want) {
			t.Errorf("log lacks %s:\n%s", want, all)
		}
	}
}

// A reply of the first plugin never comes to the second but for its end; one of the second passes the first.
func TestChainReplies(t *testing.T) {
	const replies = "request_headers: reply 403 x-by=me no\n"
	cases := []struct{ name, first, second, want string }{
		{"of the first", replies + every[strings.Index(every, "response_headers"):], every,
			"a request_headers reply 403 x-by=me no\na response_headers say x\na response_body say x\na log say x\nb log say x\na done say x\na delete say x\nb done say x\nb delete say x"},
		{"of the second", every, replies + every[strings.Index(every, "response_headers"):],
			"a request_headers say x\nb request_headers reply 403 x-by=me no\nb response_headers say x\na response_headers say x\nb response_body say x\na response_body say x\na log say x\nb log say x\na done say x\na delete say x\nb done say x\nb delete say x"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h, lines := chained(t, c.first, c.second)
			r, e := do(t, h, hostsim.Request{})
			wantStatus(t, r, 403)
			if e.Upstream != nil {
				t.Errorf("backend saw %v", e.Upstream.Headers)
			}
			if got := events(lines()); got != c.want {
				t.Errorf("order\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// A plugin that holds a request or a response holds it from the next one on.
func TestChainHolds(t *testing.T) {
	for _, c := range []struct{ name, first, second string }{
		{"the first, for a call", "request_headers: call auth 1000; pause\nhttp_call_response: effective; continue 0", every},
		{"the second, for a call", every, "request_headers: call auth 1000; pause\nhttp_call_response: effective; continue 0"},
		{"the first, the body", "request_body: pauseuntilend", every},
		{"the second, the body", every, "request_body: pauseuntilend"},
		{"the first, the response", "response_body: pauseuntilend", every},
		{"the second, the response", every, "response_headers: call auth 1000; pause\nhttp_call_response: effective; continue 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, _ := chained(t, c.first, c.second)
			h.Process().SetCluster("auth", upstream.Respond(200, "ok"))
			r, e := do(t, h, hostsim.Request{Method: "POST", Body: []byte("one two"), BodyIn: 3})
			if r.Status != 200 || string(r.Body) != "backend\n" || e.Upstream == nil || string(e.Upstream.Body) != "one two" || e.Details != "via_upstream" {
				t.Errorf("status %d, body %q, backend %+v, details %s", r.Status, r.Body, e.Upstream, e.Details)
			}
		})
	}
}

// A stream that hangs in either plugin ends once, and so does one whose VM has crashed or whose client leaves.
func TestChainEnds(t *testing.T) {
	for _, c := range []struct {
		name, first, second string
		status              int
		details             string
	}{
		{"hangs in the first", "request_headers: pause", every, 504, "stream_idle_timeout"},
		{"hangs in the second", every, "request_headers: pause", 504, "stream_idle_timeout"},
		{"hangs in the second's response", every, "response_headers: pause", 504, "stream_idle_timeout"},
		{"crash of the first", "request_headers: panic", every, 503, "wasm_fail_stream"},
		{"crash of the second", every, "request_headers: panic", 503, "wasm_fail_stream"},
		{"closed by the second", every, "request_headers: close 0", 0, "wasm_close_stream"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, lines := chained(t, c.first, c.second)
			r, e := do(t, h, hostsim.Request{})
			if r.Status != c.status || e.Details != c.details {
				t.Errorf("status %d, details %s, want %d, %s\n%s", r.Status, e.Details, c.status, c.details, strings.Join(lines(), "\n"))
			}
			again, _ := do(t, h, hostsim.Request{})
			if again.Status != c.status {
				t.Errorf("the next request: status %d", again.Status)
			}
		})
	}
}

func TestChainOfTwoProcesses(t *testing.T) {
	h, other := newHost(t, every), newHost(t, every)
	h.SetNext(other)
	if _, _, err := h.Do(t.Context(), hostsim.Request{}); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("error %v", err)
	}
}
