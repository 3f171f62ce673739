package scenario

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const grpcCall = "-- config.yaml --\n{a: 1}\n-- request --\nGET / HTTP/1.1\nhost: a\n-- response --\n200\n"

func TestGRPCRefuses(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"no status", "grpc:\n", `x.txtar:3: "" is not a gRPC status: write a number from 0 to 16, or one of OK, CANCELLED`},
		{"status beyond the last", "grpc: 17\n", `x.txtar:3: "17" is not a gRPC status`},
		{"status in lower case", "grpc: ok\n", `x.txtar:3: "ok" is not a gRPC status`},
		{"status twice", "grpc: 5\nx-a: b\ngrpc-status: 0\n", "x.txtar:5: the status is in the line grpc: STATUS: remove this one"},
		{"status as a trailer", "grpc: 5\n+Grpc-Status: 0\n", "x.txtar:4: the status is in the line grpc: STATUS"},
		{"content-type", "grpc: 0\ncontent-type: text/plain\n", "x.txtar:4: content-type is always application/grpc: remove the line"},
		{"header line", "grpc: 0\nmessage\n", `x.txtar:4: header line "message" is not name: value; the body starts after an empty line`},
		{"header name", "grpc: 0\na b: c\n", `header name "a b" cannot be sent`},
		{"variable in a message", "grpc: 0\n\n${later}\n", "x.txtar:3: unknown ${later}: write now"},
		{"HTTP elsewhere", "HTTP/1.1 200\n-- cluster c --\ngrpc: 0\n", "x.txtar:3: cluster c answers gRPC at line 5: write grpc: STATUS here too, or give it another name"},
		{"static fault elsewhere", "fault: refuse\n-- cluster c --\ngrpc: 0\n", "cluster c has the fault of line 2 for the whole file"},
		{"after a fault that answers nothing", "fault: reset\ngrpc: 0\n", "x.txtar:4: text after fault reset: remove it"},
		{"the backend", "grpc: 0\n-- upstream --\ngrpc: 0\n", "x.txtar:5: the backend answers over HTTP alone: write HTTP/1.1 STATUS"},
		{"neither", "gprc: 0\n", "x.txtar:3: an answer starts with a line HTTP/1.1 STATUS, grpc: STATUS or fault: WORD"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { wantRefused(t, "Doc.\n-- cluster c --\n"+c.text+grpcCall, c.want) })
	}
}

func TestGRPCOnWire(t *testing.T) {
	headers := []Header{{"content-type", "application/grpc"}}
	status := func(n string, more ...Header) []Header { return append(more, Header{"grpc-status", n}) }
	cases := []struct {
		name, text string
		want       Response
	}{
		{"no message", "grpc: 0\n", Response{Trailers: status("0")}},
		{"an empty message", "grpc: 0\n\n", Response{Trailers: status("0"), Body: []byte("\x00\x00\x00\x00\x00")}},
		{"a message", "grpc: OK\n\nhello\n", Response{Trailers: status("0"), Body: []byte("\x00\x00\x00\x00\x05hello")}},
		{"a variable", "grpc: OK\n\n${base64:abc}\n", Response{Trailers: status("0"), Body: []byte("\x00\x00\x00\x00\x04YWJj")}},
		{"messages", "grpc: 0\n\na\n\n---\n---\nb\n", Response{Trailers: status("0"), Body: []byte("\x00\x00\x00\x00\x02a\n\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01b")}},
		{"last status", "grpc: UNAUTHENTICATED\n", Response{Trailers: status("16")}},
		{"lines", "grpc: 7\nx-a: b\ngrpc-message: no%20way\n+x-b: c\n", Response{Headers: []Header{{"x-a", "b"}},
			Trailers: status("7", Header{"grpc-message", "no%20way"}, Header{"x-b", "c"})}},
		{"slow", "fault: slow 1s\ngrpc: 0\n\nlate\n", Response{Trailers: status("0"), Body: []byte("\x00\x00\x00\x00\x04late")}},
		{"oversize", "fault: oversize 2\n", Response{Trailers: status("0"), Body: []byte("\x00\x00\x00\x00\x02xx")}},
		{"cut", "fault: reset_mid_body\n", Response{Trailers: status("0"), Body: []byte("\x00\x00\x00\x00\x03cut")}},
		{"not yet", "", Response{Trailers: status("2", Header{"grpc-message", "scenario: this cluster has no answer"})}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.text != "" {
				c.text = "-- cluster c --\n" + c.text
			}
			// The last section makes c answer gRPC, whatever the first says.
			f, err := Parse("x.txtar", []byte("Doc.\n"+c.text+grpcCall+"-- cluster c --\ngrpc: 0\n"), nil)
			if err != nil {
				t.Fatal(err)
			}
			s, err := f.setup.Expand(Vars{})
			if err != nil {
				t.Fatal(err)
			}
			c.want.Status, c.want.Headers = 200, append(headers, c.want.Headers...)
			if d := cmp.Diff(c.want, s.Clusters["c"].OnWire(), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("- want, + got:\n%s", d)
			}
		})
	}
}

func TestCallsShowMessages(t *testing.T) {
	cases := []struct{ name, contentType, body, want string }{
		{"one", "application/grpc", "\x00\x00\x00\x00\x02hi", "hi"},
		{"two", "application/grpc+proto", "\x00\x00\x00\x00\x01a\x00\x00\x00\x00\x01b", "a\nb"},
		{"empty", "application/grpc", "\x00\x00\x00\x00\x00", ""},
		{"none", "application/grpc", "", ""},
		{"cut", "application/grpc", "\x00\x00\x00\x00\x02h", "\x00\x00\x00\x00\x02h"},
		{"compressed", "application/grpc", "\x01\x00\x00\x00\x01h", "\x01\x00\x00\x00\x01h"},
		{"another type", "text/plain", "\x00\x00\x00\x00\x02hi", "\x00\x00\x00\x00\x02hi"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			call := Request{Headers: []Header{{"Content-Type", c.contentType}}, Body: []byte(c.body)}
			seen := Outcome{Calls: map[string][]Request{"c": {call}}}.joined()
			if got := string(seen.Calls["c"][0].Body); got != c.want {
				t.Errorf("body %q, want %q", got, c.want)
			}
		})
	}
}

func TestGRPCIsUnsayable(t *testing.T) {
	f, err := Parse("x.txtar", []byte("Doc.\n"+grpcCall+"-- cluster c --\nfault: timeout\n-- cluster c --\ngrpc: 0\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Run(t.Context(), f, &able{cannot: map[string]string{"cluster c": "it makes no gRPC calls"}})
	if reason, _ := Skipped(err); reason != "cluster c is not sayable on toy: it makes no gRPC calls" {
		t.Errorf("error %v", err)
	}
	f, err = Parse("x.txtar", []byte("Doc.\n"+grpcCall+"-- cluster c --\nfault: timeout\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if words := f.setup.Words(); len(words) > 0 {
		t.Errorf("without gRPC the file has the words %q", words)
	}
}
