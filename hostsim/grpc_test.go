package hostsim_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// grpcScript logs what each gRPC callback can see, and answers a stream that waits.
const grpcScript = `
grpc_receive_initial_metadata: pairs 4
grpc_receive: body 5 0 99; status; effective; get 0 x-kind; continue 0
grpc_receive_trailing_metadata: pairs 5
grpc_close: status; body 5 0 9; effective; continue 0
request_headers: `

// said without the lines of operations that every test has.
func grpcLines(lines []hostsim.LogLine) []string {
	var out []string
	for _, l := range lines {
		if !strings.Contains(l.Message, ": effective ->") && !strings.Contains(l.Message, ": continue 0 ->") {
			out = append(out, l.Message)
		}
	}
	return out
}

// playGRPC runs operations against a cluster "g" and gives what the guest logged.
func playGRPC(t *testing.T, cluster upstream.Cluster, ops string, more ...hostsim.Option) []string {
	t.Helper()
	h := newHost(t, grpcScript+ops, append(more, hostsim.WithCluster("g", cluster))...)
	_, e := do(t, h, hostsim.Request{Headers: abi.Headers{{Name: "x-kind", Value: "k"}}})
	return grpcLines(e.Log)
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("guest logged:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestGRPCCallOutcomes has what Envoy 1.40.0 answered for the same server and the same guest.
func TestGRPCCallOutcomes(t *testing.T) {
	answer := func(h abi.Headers, body string, trailers ...abi.Header) upstream.Answer {
		return upstream.Answer{Headers: h, Body: []byte(body), Trailers: trailers}
	}
	status := func(kv ...string) abi.Headers {
		return upstream.Respond(200, "", kv...).Headers
	}
	for _, tt := range []struct {
		name    string
		cluster upstream.Answer
		code    string
		message string
	}{
		{"no message", upstream.RespondGRPC(0, ""), "13", ""},
		{"status", upstream.RespondGRPC(7, "no%20way"), "7", "no%20way{via_upstream}"},
		{"trailers only", answer(status("grpc-status", "5", "grpc-message", "gone"), ""), "5", "gone{via_upstream}"},
		{"trailers only, OK", answer(status("grpc-status", "0"), ""), "13", ""},
		{"no status", answer(nil, "\x00\x00\x00\x00\x01x", abi.Header{Name: "x-trail", Value: "t"}), "2", "via_upstream"},
		{"no trailers", answer(nil, "\x00\x00\x00\x00\x01x"), "2", "via_upstream"},
		{"HTTP 404", upstream.Respond(404, "nope"), "12", "via_upstream"},
		{"HTTP 403 without body", upstream.Respond(403, ""), "7", "via_upstream"},
		{"bad frame", answer(nil, "\x07\x00\x00\x00\x01x", status("grpc-status", "0")...), "13", "via_upstream"},
		{"status is not a number", answer(nil, "\x00\x00\x00\x00\x01x", status("grpc-status", "nonsense", "grpc-message", "x")...), "4294967295", "x{via_upstream}"},
		{"status above 16", answer(nil, "\x00\x00\x00\x00\x01x", status("grpc-status", "42", "grpc-message", "x")...), "4294967295", "x{via_upstream}"},
		{"timeout", upstream.Answer{Delay: 2 * time.Second}, "14", "upstream request timeout{response_timeout}"},
		{"never", upstream.Fail(upstream.FaultTimeout), "14", "upstream request timeout{response_timeout}"},
		{"refused", upstream.Fail(upstream.FaultRefuse), "14", "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure{upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}}"},
		{"reset midway", upstream.Answer{Fault: upstream.FaultResetMidBody, Body: []byte("\x00\x00\x00\x00\x01x")}, "13", "upstream_reset_after_response_started{remote_reset}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantLines(t, playGRPC(t, tt.cluster, "unary g 1000 M x; pause"), "request_headers 2 7 1: unary g 1000 M x -> 0 5",
				"grpc_close 1 5 "+tt.code+": status -> 0 "+tt.code+` "`+tt.message+`"`, "grpc_close 1 5 "+tt.code+`: body 5 0 9 -> 0 ""`)
		})
	}
}

func TestGRPCCallSucceeds(t *testing.T) {
	for _, name := range []string{"g", "proto:g"} {
		var calls []upstream.Call
		cluster := upstream.ClusterFunc(func(c upstream.Call) upstream.Answer {
			calls = append(calls, c)
			return upstream.RespondGRPC(0, "", "one", "two")
		})
		op := "unary " + name + " 1000 M x"
		wantLines(t, playGRPC(t, cluster, op+"; pause"), "request_headers 2 7 1: "+op+" -> 0 5",
			`grpc_receive 1 5 3: body 5 0 99 -> 0 "two"`, `grpc_receive 1 5 3: status -> 0 0 ""`, `grpc_receive 1 5 3: get 0 x-kind -> 0 "k"`)
		want := ":method|POST|:path|/test.Service/M|:authority|g|:scheme|http|te|trailers|grpc-timeout|1000m|content-type|application/grpc|x-meta|m|x-envoy-internal|true|x-envoy-expected-rq-timeout-ms|1000"
		if len(calls) != 1 || flat(calls[0].Headers) != want || string(calls[0].Body) != "\x00\x00\x00\x00\x01x" {
			t.Errorf("cluster was asked %+v", calls)
		}
	}
}

func flat(h abi.Headers) string {
	var s []string
	for _, f := range h {
		s = append(s, f.Name, f.Value)
	}
	return strings.Join(s, "|")
}

// TestGRPCRefused: what fails inside the hostcall. The guest never learns the id that the close comes for.
func TestGRPCRefused(t *testing.T) {
	h := "request_headers 2 7 1: "
	wantLines(t, playGRPC(t, upstream.Fail(upstream.FaultNoEndpoints), "unary g 1000 M x; say after; pause"),
		h+"unary g 1000 M x -> 10 0", h+"say after -> ", `grpc_close 1 5 14: status -> 0 14 "no healthy upstream{no_healthy_upstream}"`, `grpc_close 1 5 14: body 5 0 9 -> 0 ""`)
	wantLines(t, playGRPC(t, upstream.Fail(upstream.FaultNoEndpoints), "stream g M; say after; pause"),
		"grpc_receive_initial_metadata 1 6 0: pairs 4 -> 0 ",
		"grpc_receive_trailing_metadata 1 6 4: pairs 5 -> 0 :status|200|content-type|application/grpc|grpc-status|14|grpc-message|no healthy upstream",
		h+"stream g M -> 10 0", h+"say after -> ", `grpc_close 1 6 14: status -> 0 14 "no healthy upstream{no_healthy_upstream}"`, `grpc_close 1 6 14: body 5 0 9 -> 0 ""`)
	wantLines(t, playGRPC(t, upstream.RespondGRPC(0, ""), "unary nope 1000 M x; stream nope M; stream proto:nope M; say after; pause"),
		h+"unary nope 1000 M x -> 4 0", h+"stream nope M -> 4 0", h+"stream proto:nope M -> 10 0", h+"say after -> ",
		`grpc_close 1 6 14: status -> 0 14 "Cluster not available"`, `grpc_close 1 6 14: body 5 0 9 -> 0 ""`)
}

// TestGRPCNameThatIsAMessage: "empty" is a valid protobuf message without a target. Envoy 1.40.0 aborts ("unset oneof").
func TestGRPCNameThatIsAMessage(t *testing.T) {
	got := playGRPC(t, upstream.RespondGRPC(0, ""), "unary empty 1000 M x")
	wantLines(t, got, "GrpcService without a target: Envoy aborts here (unset oneof)", "request_headers 2 7 1: unary empty 1000 M x -> 10 0")
}

func TestGRPCHandles(t *testing.T) {
	got := playGRPC(t, upstream.RespondGRPC(0, "", "x"), "unary g 1000 M x; gcancel last; gcancel last; gclose last; gsend last 0 x; gcancel 7; gcancel 6; gcancel 4; gsend 6 0 x; gclose 6; gclose 4")
	var results []string
	for _, l := range got {
		results = append(results, l[strings.Index(l, "-> ")+3:])
	}
	if s := strings.Join(results, ","); s != "0 5,0,1,1,2,2,1,2,1,1,2" {
		t.Errorf("results %s in\n%s", s, strings.Join(got, "\n"))
	}
}

// chat answers each message, and ends at "bye" or with the guest's side.
type chat struct{}

func (chat) Answer(upstream.Call) upstream.Answer { return upstream.Answer{} }

func (chat) GRPC(r upstream.GRPCRequest) upstream.GRPCReply {
	reply := upstream.GRPCReply{Delay: time.Millisecond, Headers: abi.Headers{{Name: "x-init", Value: "i"}}, Message: "done"}
	if r.Opening {
		return reply
	}
	reply.End = r.End || string(r.Message) == "bye"
	if r.Message != nil && string(r.Message) != "bye" {
		reply.Messages = [][]byte{append([]byte("re:"), r.Message...)}
	}
	return reply
}

func TestGRPCStream(t *testing.T) {
	h := "request_headers 2 7 1: "
	wantLines(t, playGRPC(t, chat{}, "stream g Chat; gsend last 0 hello; gsend last 0 bye; pause"),
		h+"stream g Chat -> 0 6", h+"gsend last 0 hello -> 0", h+"gsend last 0 bye -> 0",
		"grpc_receive_initial_metadata 1 6 3: pairs 4 -> 0 :status|200|content-type|application/grpc|x-init|i",
		`grpc_receive 1 6 8: body 5 0 99 -> 0 "re:hello"`, `grpc_receive 1 6 8: status -> 0 0 ""`, `grpc_receive 1 6 8: get 0 x-kind -> 0 "k"`,
		"grpc_receive_trailing_metadata 1 6 2: pairs 5 -> 0 grpc-status|0|grpc-message|done",
		`grpc_close 1 6 0: status -> 0 0 "done{via_upstream}"`, `grpc_close 1 6 0: body 5 0 9 -> 0 ""`)
	wantLines(t, playGRPC(t, chat{}, "stream g Chat; gsend last 1 b; gsend last 0 c; pause")[3:],
		"grpc_receive_initial_metadata 1 6 4: pairs 4 -> 0 :status|200|content-type|application/grpc|x-init|i|x-envoy-upstream-service-time|1",
		`grpc_receive 1 6 4: body 5 0 99 -> 0 "re:b"`, `grpc_receive 1 6 4: status -> 0 0 ""`, `grpc_receive 1 6 4: get 0 x-kind -> 0 "k"`,
		"grpc_receive_trailing_metadata 1 6 2: pairs 5 -> 0 grpc-status|0|grpc-message|done",
		`grpc_close 1 6 0: status -> 0 0 "done{via_upstream}"`, `grpc_close 1 6 0: body 5 0 9 -> 0 ""`)
	wantLines(t, playGRPC(t, chat{}, "stream g Chat; gsend last 0 a; gclose last; gclose last; gsend last 0 b; gcancel last; gcancel last; gclose last"),
		h+"stream g Chat -> 0 6", h+"gsend last 0 a -> 0", h+"gclose last -> 0", h+"gclose last -> 0", h+"gsend last 0 b -> 0",
		h+"gcancel last -> 0", h+"gcancel last -> 1", h+"gclose last -> 1")
}

// TestGRPCStreamOutcomes has what Envoy 1.40.0 answered.
func TestGRPCStreamOutcomes(t *testing.T) {
	trailing := func(n, pairs string) string {
		return "grpc_receive_trailing_metadata 1 6 " + n + ": pairs 5 -> 0 " + pairs
	}
	empty := "grpc_receive_initial_metadata 1 6 0: pairs 4 -> 0 "
	initial := "grpc_receive_initial_metadata 1 6 3: pairs 4 -> 0 :status|200|content-type|application/grpc|x-envoy-upstream-service-time|0"
	closed := func(code, message string) []string {
		return []string{"grpc_close 1 6 " + code + ": status -> 0 " + code + ` "` + message + `"`, "grpc_close 1 6 " + code + `: body 5 0 9 -> 0 ""`}
	}
	grpcType := abi.Header{Name: "content-type", Value: "application/grpc"}
	for _, tt := range []struct {
		name    string
		cluster upstream.Answer
		want    []string
	}{
		{"empty", upstream.RespondGRPC(0, ""), append([]string{initial, trailing("1", "grpc-status|0")}, closed("0", "via_upstream")...)},
		{"trailers only", upstream.Answer{Headers: abi.Headers{grpcType, {Name: "grpc-status", Value: "5"}, {Name: "grpc-message", Value: "gone"}}},
			append([]string{empty, trailing("5", ":status|200|content-type|application/grpc|grpc-status|5|grpc-message|gone|x-envoy-upstream-service-time|0")}, closed("5", "gone{via_upstream}")...)},
		{"HTTP 404", upstream.Respond(404, "nope"), append([]string{empty, trailing("0", "")}, closed("12", "via_upstream")...)},
		{"refused", upstream.Fail(upstream.FaultRefuse), append([]string{empty,
			trailing("4", ":status|200|content-type|application/grpc|grpc-status|14|grpc-message|upstream connect error or disconnect/reset before headers. reset reason: remote connection failure")},
			closed("14", "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure{upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}}")...)},
		{"bad frame", upstream.Answer{Headers: abi.Headers{grpcType}, Body: []byte("\x07\x00\x00\x00\x01x")}, append([]string{initial, trailing("0", "")}, closed("13", "via_upstream")...)},
		{"reset midway", upstream.Answer{Headers: abi.Headers{grpcType}, Fault: upstream.FaultResetMidBody}, append([]string{initial, trailing("0", "")}, closed("13", "upstream_reset_after_response_started{remote_reset}")...)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantLines(t, playGRPC(t, tt.cluster, "stream g M; gsend last 1 a; pause")[2:], tt.want...)
		})
	}
}

// TestGRPCNestedCallbacks: each failing stream makes a callback inside the hostcall, in which the guest opens another.
func TestGRPCNestedCallbacks(t *testing.T) {
	h := newHost(t, "grpc_receive_initial_metadata: stream g M\nrequest_headers: stream g M", hostsim.WithCluster("g", upstream.Fail(upstream.FaultNoEndpoints)))
	r, _ := do(t, h, hostsim.Request{})
	wantStatus(t, r, 503)
}

// TestGRPCEndsWithItsRoot: an update and a drain cancel what the old root has in the air.
func TestGRPCEndsWithItsRoot(t *testing.T) {
	h := newHost(t, "configure: stream g M; unary g 0 M x\ngrpc_close: say closed\ngrpc_receive: say received", hostsim.WithCluster("g", upstream.Answer{Delay: time.Second}))
	if err := h.UpdateConfig([]byte("grpc_close: say closed")); err != nil {
		t.Fatal(err)
	}
	h.Drain()
	at := len(h.Log())
	h.Advance(time.Minute)
	if s := said(h.Log()[at:]); s != "" {
		t.Errorf("after the drain the guest logged:\n%s", s)
	}
}
