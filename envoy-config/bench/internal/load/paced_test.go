package load

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestPacedSendsAll: each request as it stands, and so many of them as the rate and the time want.
func TestPacedSendsAll(t *testing.T) {
	var wrong, all atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if all.Add(1); r.Host != "a" || r.URL.Path != "/b" || r.Header.Get("X-Token") != "c" {
			wrong.Add(1)
		}
		_, _ = w.Write([]byte(strings.Repeat("d", 1000)))
	}))
	defer server.Close()
	got, err := Paced{
		Address: server.Listener.Addr().String(), Connections: 4, Rate: 2000, Duration: 200 * time.Millisecond,
		Request: Request{Path: "/b", Headers: []Header{{"Host", "a"}, {"X-Token", "c"}}},
	}.Send(t.Context())
	if err != nil || wrong.Load() > 0 || all.Load() != 400 || got.P50 <= 0 || got.P99 < got.P50 || got.Rate <= 0 || got.Rate > 2000*1.1 {
		t.Errorf("%+v, %v; %d requests, %d of them wrong", got, err, all.Load(), wrong.Load())
	}
}

// TestPacedCountsWaiting: a request that finds no free connection has waited since it was due.
func TestPacedCountsWaiting(t *testing.T) {
	const held = 200 * time.Millisecond
	var first atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if first.CompareAndSwap(false, true) {
			time.Sleep(held) // holds the only connection
		}
	}))
	defer server.Close()
	got, err := Paced{
		Address: server.Listener.Addr().String(), Connections: 1, Rate: 200, Duration: 100 * time.Millisecond,
		Request: Request{Path: "/", Headers: []Header{{"Host", "a"}}},
	}.Send(t.Context())
	if err != nil || got.P50 < float64((held-100*time.Millisecond)/time.Microsecond) {
		t.Errorf("%+v, %v: all 20 requests waited for the first", got, err)
	}
}

func TestPacedFails(t *testing.T) {
	send := func(h http.HandlerFunc) error {
		server := httptest.NewServer(h)
		defer server.Close()
		_, err := Paced{
			Address: server.Listener.Addr().String(), Connections: 2, Rate: 1000, Duration: 20 * time.Millisecond,
			Request: Request{Path: "/", Headers: []Header{{"Host", "a"}}},
		}.Send(t.Context())
		return err
	}
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"refused":        {http.NotFound, "20 of 20 paced requests were not answered 200, the last of them 404"},
		"without a size": {func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() }, "it has no content-length"},
		"cut":            {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := send(tt.handler); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := (Paced{Address: "127.0.0.1:1", Connections: 1, Rate: 1, Duration: time.Second}).Send(t.Context()); err == nil {
		t.Error("no server, and no error")
	}
}

func TestReadAnswer(t *testing.T) {
	for _, tt := range []struct {
		name, got string
		status    int
		whole, ok bool
	}{
		{"nothing", "", 0, false, true},
		{"half a head", "HTTP/1.1 200 OK\r\ncontent-", 0, false, true},
		{"half a body", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab", 200, false, true},
		{"whole", "HTTP/1.1 429 Too Many Requests\r\ncontent-length:2\r\n\r\nab", 429, true, true},
		{"no body", "HTTP/1.1 204 No Content\r\n\r\n", 204, true, true},
		{"another protocol", "SSH-2.0-x\r\n\r\n", 0, false, false},
		{"no status", "HTTP/1.1 ok\r\n\r\n", 0, false, false},
		{"a size below zero", "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", 0, false, false},
		{"in pieces", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", 0, false, false},
		{"no end", strings.Repeat("x", maxAnswer+1), 0, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, whole, err := readAnswer([]byte(tt.got))
			if status != tt.status || whole != tt.whole || (err == nil) != tt.ok {
				t.Errorf("status %d, whole %v, error %v", status, whole, err)
			}
		})
	}
}
