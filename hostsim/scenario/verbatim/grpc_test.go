package verbatim

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

func TestGRPCServer(t *testing.T) {
	reply := scenario.Response{Status: 200, Headers: []scenario.Header{{Name: "content-type", Value: "application/grpc"}, {Name: "x-a", Value: "1"}},
		Trailers: []scenario.Header{{Name: "grpc-status", Value: "7"}}}
	answer := func(fault scenario.Fault, delay time.Duration, messages ...string) scenario.Answer {
		a := scenario.Answer{GRPC: true, Fault: fault, Delay: delay, Response: reply}
		for _, m := range messages {
			a.Messages = append(a.Messages, []byte(m))
		}
		return a
	}
	head := http.Header{"Content-Type": {"application/grpc"}, "X-A": {"1"}}
	only := http.Header{"Content-Type": {"application/grpc"}, "X-A": {"1"}, "Grpc-Status": {"7"}}
	status := http.Header{"Grpc-Status": {"7"}}
	for _, c := range []struct {
		name          string
		answer        scenario.Answer
		head, trailer http.Header
		body          string
		fails, cut    bool // before the head, within the body
	}{
		{name: "messages", answer: answer("", 0, "ab", ""), head: head, trailer: status, body: "\x00\x00\x00\x00\x02ab\x00\x00\x00\x00\x00"},
		{name: "no message", answer: answer("", 0), head: only},
		{name: "slow", answer: answer(scenario.FaultSlow, time.Millisecond, "a"), head: head, trailer: status, body: "\x00\x00\x00\x00\x01a"},
		{name: "cut", answer: answer(scenario.FaultResetMidBody, 0, "abc"), head: head, body: "\x00\x00\x00\x00", cut: true},
		{name: "reset", answer: answer(scenario.FaultReset, 0), fails: true},
		{name: "not HTTP", answer: answer(scenario.FaultNotHTTP, 0), fails: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := NewGRPCServer(c.answer)
			if err != nil {
				t.Fatal(err)
			}
			transport := &http.Transport{Protocols: new(http.Protocols), DisableCompression: true}
			transport.Protocols.SetUnencryptedHTTP2(true)
			defer transport.CloseIdleConnections()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.Address()+"/pkg.S/M?%2f", strings.NewReader("body"))
			if err != nil {
				t.Fatal(err)
			}
			r.Host, r.Header = "keys", http.Header{"User-Agent": nil, "X-B": {"1", "2"}, "Te": {"trailers"}}
			got, err := transport.RoundTrip(r)
			if (err != nil) != c.fails {
				t.Fatalf("error %v, want one: %v", err, c.fails)
			}
			if err == nil {
				body, err := io.ReadAll(got.Body)
				_ = got.Body.Close()
				if string(body) != c.body || (err != nil) != c.cut {
					t.Errorf("body %q, error %v, want %q", body, err, c.body)
				}
				if d := cmp.Diff(c.head, got.Header) + cmp.Diff(c.trailer, got.Trailer); d != "" {
					t.Errorf("- want, + got:\n%s", d)
				}
			}
			want := []scenario.Request{{Method: "POST", Target: "/pkg.S/M?%2f", Body: []byte("body"), Headers: []scenario.Header{
				{Name: "host", Value: "keys"}, {Name: "Content-Length", Value: "4"}, {Name: "Te", Value: "trailers"}, {Name: "X-B", Value: "1"}, {Name: "X-B", Value: "2"}}}}
			if d := cmp.Diff(want, s.Take()); d != "" || s.Total() != 1 {
				t.Errorf("%d requests; - want, + seen:\n%s", s.Total(), d)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
