package verbatim

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

func startServer(t *testing.T, a scenario.Answer) (*Server, net.Conn) {
	t.Helper()
	s, err := NewServer(a)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return s, conn
}

const plainRequest = "GET /a//b?q=%2f&q=2 HTTP/1.1\r\nHost: h\r\nX-Twice: 1\r\nx-twice:2  \r\n\r\n"

func TestServerFaults(t *testing.T) {
	answer := scenario.Response{Status: 200, Headers: []scenario.Header{{Name: "x-a", Value: "1"}}, Body: []byte("0123456789")}
	for _, c := range []struct {
		name   string
		answer scenario.Answer
		want   string // all bytes until the server closes
		last   bool   // the client sends nothing more
		err    error
	}{
		{name: "not HTTP", answer: scenario.Answer{Fault: scenario.FaultNotHTTP}, want: NotHTTP},
		{name: "reset", answer: scenario.Answer{Fault: scenario.FaultReset}, err: syscall.ECONNRESET},
		{name: "trailers", answer: scenario.Answer{Response: scenario.Response{Status: 200, Body: []byte("ab"), Trailers: []scenario.Header{{Name: "x-t", Value: "1"}}}},
			last: true, want: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nx-t: 1\r\n\r\n"},
		{name: "half a body, and no more", answer: scenario.Answer{Fault: scenario.FaultTimeoutMidBody, Response: answer}, last: true,
			want: "HTTP/1.1 200 OK\r\nx-a: 1\r\ncontent-length: 10\r\n\r\n01234"},
		{name: "half a body", answer: scenario.Answer{Fault: scenario.FaultResetMidBody, Response: answer}, want: "HTTP/1.1 200 OK\r\nx-a: 1\r\ncontent-length: 10\r\n\r\n01234"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, conn := startServer(t, c.answer)
			if _, err := io.WriteString(conn, plainRequest); err != nil {
				t.Fatal(err)
			}
			if c.last {
				if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
					t.Fatal(err)
				}
			}
			got, err := io.ReadAll(conn)
			if string(got) != c.want || !errors.Is(err, c.err) {
				t.Errorf("got %q, %v, want %q, %v", got, err, c.want, c.err)
			}
			if len(s.Take()) != 1 {
				t.Error("the request was not seen")
			}
		})
	}
}

func TestServerAnswersOnOneConnection(t *testing.T) {
	s, conn := startServer(t, scenario.Answer{Response: scenario.Response{Status: 204}})
	in := bufio.NewReader(conn)
	for _, step := range []struct {
		answer        scenario.Answer
		request, want string
	}{
		{s.answer, plainRequest, "HTTP/1.1 204 No Content\r\n\r\n"},
		{scenario.Answer{Fault: scenario.FaultSlow, Delay: time.Millisecond, Response: scenario.Response{Status: 429, Body: []byte("slow")}},
			"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-trailer: 1\r\n\r\n", "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 4\r\n\r\nslow"},
		{scenario.Answer{Fault: scenario.FaultOversize, Size: 3}, "HEAD / HTTP/1.1\r\ncontent-length: 2\r\n\r\nhi", "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 3\r\n\r\n"},
	} {
		s.SetAnswer(step.answer)
		if _, err := io.WriteString(conn, step.request); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(step.want))
		if _, err := io.ReadFull(in, got); err != nil || string(got) != step.want {
			t.Fatalf("got %q, %v, want %q", got, err, step.want)
		}
	}
	want := []scenario.Request{
		{Method: "GET", Target: "/a//b?q=%2f&q=2", Body: []byte{},
			Headers: []scenario.Header{{Name: "Host", Value: "h"}, {Name: "X-Twice", Value: "1"}, {Name: "x-twice", Value: "2"}}},
		{Method: "POST", Target: "/", Headers: []scenario.Header{{Name: "transfer-encoding", Value: "chunked"}}, Body: []byte("abc"), Trailers: []scenario.Header{{Name: "x-trailer", Value: "1"}}},
		{Method: "HEAD", Target: "/", Headers: []scenario.Header{{Name: "content-length", Value: "2"}}, Body: []byte("hi")},
	}
	if diff := cmp.Diff(want, s.Take()); diff != "" {
		t.Errorf("seen: -want +got\n%s", diff)
	}
	if s.Total() != 3 || len(s.Take()) != 0 {
		t.Error("take does not forget, or the sum does")
	}
}

// TestServerSeesHalfARequest: it is not among the whole ones, and no answer is given.
func TestServerSeesHalfARequest(t *testing.T) {
	s, conn := startServer(t, scenario.Answer{Response: scenario.Response{Status: 200}})
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nhal"); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); len(got) != 0 || err != nil {
		t.Errorf("got %q, %v, want no answer", got, err)
	}
	if seen := s.TakeAll(); len(seen) != 1 || !seen[0].Incomplete || s.Total() != 0 {
		t.Errorf("seen %+v, %d in all", seen, s.Total())
	}
}

func TestServerRefusesALengthBelowZero(t *testing.T) {
	s, conn := startServer(t, scenario.Answer{Response: scenario.Response{Status: 200}})
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); len(got) != 0 || err != nil || len(s.TakeAll()) != 0 {
		t.Errorf("got %q, %v, want the end", got, err)
	}
}

func TestRequestInPieces(t *testing.T) {
	s, _ := startServer(t, scenario.Answer{Response: scenario.Response{Status: 200, Body: []byte("ok")}})
	for _, trailers := range [][]scenario.Header{nil, {{Name: "x-t", Value: "1"}}} {
		r := scenario.Request{Method: "POST", Target: "/", Body: []byte("abcde"), Pieces: 2, Trailers: trailers}
		reply, err := Exchange(t.Context(), s.Address(), r, 0)
		if err != nil || reply.Status != 200 || string(reply.Body) != "ok" || reply.Reset || reply.Hangs || len(reply.Excess) > 0 {
			t.Errorf("%+v, %v", reply, err)
		}
		if seen := s.Take(); len(seen) != 1 || string(seen[0].Body) != "abcde" || len(seen[0].Trailers) != len(trailers) {
			t.Errorf("the server saw %+v", seen)
		}
	}
}

func TestExchangeThatEndsBadly(t *testing.T) {
	half := scenario.Answer{Fault: scenario.FaultResetMidBody, Response: scenario.Response{Status: 200, Body: []byte("0123")}}
	for name, tt := range map[string]struct {
		answer scenario.Answer
		gone   time.Duration
		want   Reply
	}{
		"no response":   {answer: scenario.Answer{Fault: scenario.FaultReset}, want: Reply{Reset: true}},
		"half of one":   {answer: half, want: Reply{Reset: true, Response: scenario.Response{Status: 200, Body: []byte("01")}}},
		"a client left": {answer: scenario.Answer{Fault: scenario.FaultTimeout}, gone: time.Millisecond, want: Reply{Left: true}},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := startServer(t, tt.answer)
			got, err := Exchange(t.Context(), s.Address(), scenario.Request{Method: "GET", Target: "/"}, tt.gone)
			got.Headers = nil
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("%v, -want +got\n%s", err, diff)
			}
		})
	}
}

func TestServerThatTimesOutWaitsForThePeer(t *testing.T) {
	s, conn := startServer(t, scenario.Answer{Fault: scenario.FaultTimeout})
	if _, err := io.WriteString(conn, plainRequest); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); len(got) != 0 || err != nil {
		t.Errorf("got %q, %v, want silence and the end", got, err)
	}
	if len(s.Take()) != 1 {
		t.Error("the request was not seen")
	}
}

func TestClosedPort(t *testing.T) {
	address, release, err := ClosedPort()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if conn, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, %v, want a refusal", conn, err)
	}
}

func TestRequestOnWire(t *testing.T) {
	r := scenario.Request{Method: "POST", Target: "/x?y", Headers: []scenario.Header{{Name: "B", Value: "2"}, {Name: "a", Value: "1"}, {Name: "B", Value: "3"}}, Body: []byte("hello")}
	if got, want := OnWire(r), "POST /x?y HTTP/1.1\r\nB: 2\r\na: 1\r\nB: 3\r\ncontent-length: 5\r\n\r\nhello"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReadResponse(t *testing.T) {
	in := "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 Forbidden\r\nset-cookie: b\r\na: 1\r\nset-cookie: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n"
	got, err := ReadResponse(bufio.NewReader(strings.NewReader(in)), "GET")
	want := scenario.Response{Status: 403, Body: []byte("no"),
		Headers: []scenario.Header{{Name: "A", Value: "1"}, {Name: "Set-Cookie", Value: "b"}, {Name: "Set-Cookie", Value: "a"}}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, -want +got\n%s", err, diff)
	}
	if _, err := ReadResponse(bufio.NewReader(strings.NewReader("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nno")), "GET"); err == nil {
		t.Error("half a body was taken for a response")
	}
}
