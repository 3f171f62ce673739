package gateway_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/gateway"
)

func TestCalloutFaults(t *testing.T) {
	refused := gateway.Endpoint{Base: mustParse(t, "http://"+closedPort(t)), Transport: gateway.NewTransport(nil)}
	garbage := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := http.NewResponseController(w).Hijack()
		io.WriteString(conn, "not http at all\r\n\r\n")
		conn.Close()
	})
	aborted := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	cut := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	stuck := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // net/http watches for a client that leaves only then
		<-r.Context().Done()
	})
	redirect := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) })
	upstream := serve(t, func(http.ResponseWriter, *http.Request) {})
	for _, tc := range []struct {
		name   string
		auth   gateway.Endpoint
		logged string
	}{
		{"refused", refused, `get 6 :status -> 0 "503"`},
		{"not HTTP", garbage, `get 6 :status -> 0 "502"`},
		{"closed without an answer", aborted, `get 6 :status -> 0 "503"`},
		{"cut in the body", cut, `get 6 :status -> `},
		{"timeout", stuck, `get 6 :status -> 0 "504"`},
		{"redirect is not followed", redirect, `get 6 :status -> 0 "302"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.auth.Base.Path = ""
			base, host := start(t, awaiting, upstream, nil, hostsim.WithCluster("auth", tc.auth))
			get(t, base+"/x")
			wantLogged(t, host, tc.logged)
		})
	}
}

// closedPort is an address that nobody listens on.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestUpstreamFaults(t *testing.T) {
	stuck := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	aborted := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for _, tc := range []struct {
		name     string
		upstream gateway.Endpoint
		status   int
	}{
		{"refused", gateway.Endpoint{Base: mustParse(t, "http://"+closedPort(t)), Transport: gateway.NewTransport(nil)}, 503},
		{"reset", aborted, 503},
		{"timeout", stuck, 504},
	} {
		t.Run(tc.name, func(t *testing.T) {
			base, _ := start(t, "", tc.upstream, func(c *gateway.Config) { c.Timeout = 100 * time.Millisecond })
			if resp := get(t, base); resp.StatusCode != tc.status {
				t.Errorf("status %d, want %d: %s", resp.StatusCode, tc.status, body(t, resp))
			}
		})
	}
}

func TestBodyTooLarge(t *testing.T) {
	var calls atomic.Int32
	upstream := serve(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	base, _ := start(t, "", upstream, func(c *gateway.Config) { c.MaxBody = 10 })
	resp := raw(t, base, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello world")
	if resp.StatusCode != http.StatusRequestEntityTooLarge || calls.Load() != 0 {
		t.Errorf("got %d, upstream called %d times", resp.StatusCode, calls.Load())
	}
}

func TestClientThatLeavesEndsTheStream(t *testing.T) {
	stuck := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	deleted := make(chan struct{}, 1)
	base, _ := start(t, "request_headers: call auth 0; pause\ndelete: say gone", stuck, nil, hostsim.WithCluster("auth", stuck),
		hostsim.WithLog(func(l hostsim.LogLine) {
			if strings.Contains(l.Message, "say gone") {
				select {
				case deleted <- struct{}{}:
				default:
				}
			}
		}))
	conn, err := net.Dial("tcp", mustParse(t, base).Host)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	conn.Close()
	select {
	case <-deleted:
	case <-time.After(10 * time.Second):
		t.Fatal("the stream was not deleted")
	}
}
