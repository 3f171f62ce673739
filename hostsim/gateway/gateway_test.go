package gateway_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/gateway"
	"github.com/sallyport-gateway/sallyport/hostsim/pki"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var compile = sync.OnceValues(func() (*hostsim.Module, error) {
	path, err := wasmbuild.Build(context.Background(), "./hostsim/testdata/guests/scripted")
	if err != nil {
		return nil, err
	}
	return hostsim.CompileFile(context.Background(), path, hostsim.CompileOptions{CacheDir: os.TempDir() + "/hostsim-wazero"})
})

// start serves a gateway with the scripted guest and returns its base URL and the host.
func start(t *testing.T, script string, upstream gateway.Endpoint, change func(*gateway.Config), opts ...hostsim.Option) (string, *hostsim.Host) {
	t.Helper()
	module, err := compile()
	if err != nil {
		t.Fatal(err)
	}
	opts = append([]hostsim.Option{hostsim.WithClock(hostsim.RealClock()), hostsim.WithConfig([]byte(script))}, opts...)
	host, err := module.New(context.Background(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(host.Close(context.Background()), host.Process().Close(context.Background())); err != nil {
			t.Error(err)
		}
	})
	cfg := gateway.Config{Host: host, Upstream: upstream}
	if change != nil {
		change(&cfg)
	}
	g, err := gateway.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(g)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Start()
	t.Cleanup(srv.Close)
	return srv.URL, host
}

// serve starts a server and makes an Endpoint of it.
func serve(t *testing.T, h http.HandlerFunc) gateway.Endpoint {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	transport := gateway.NewTransport(nil)
	t.Cleanup(transport.CloseIdleConnections)
	return gateway.Endpoint{Base: mustParse(t, srv.URL), Transport: transport}
}

func mustParse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// raw sends text over a connection of its own and reads the response.
func raw(t *testing.T, base, text string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", mustParse(t, base).Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func body(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func get(t *testing.T, target string) *http.Response {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	resp, err := (&http.Client{Transport: transport}).Get(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestRequestAndResponsePass(t *testing.T) {
	var seen struct {
		uri, host, body string
		header          http.Header
	}
	upstream := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		seen.uri, seen.host, seen.body, seen.header = r.RequestURI, r.Host, string(b), r.Header.Clone()
		w.Header().Set("X-From", "backend")
		w.Header().Set("Trailer", "X-Sum")
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, "made")
		w.Header().Set("X-Sum", "42")
	})
	base, _ := start(t, "request_headers: set 0 x-added by-guest; remove 0 x-secret\nresponse_headers: set 2 x-answer seen", upstream, nil)
	resp := raw(t, base, "POST /a%2Fb/../c?x=%zz HTTP/1.1\r\nHost: api.example.com\r\nX-Secret: s\r\nX-Two: 1\r\nX-Two: 2\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello")
	if got := body(t, resp); resp.StatusCode != http.StatusCreated || got != "made" {
		t.Errorf("got %d %q", resp.StatusCode, got)
	}
	if resp.Header.Get("X-Answer") != "seen" || resp.Header.Get("X-From") != "backend" || resp.Trailer.Get("X-Sum") != "42" {
		t.Errorf("response headers %v, trailers %v", resp.Header, resp.Trailer)
	}
	if seen.uri != "/a%2Fb/../c?x=%zz" || seen.host != "api.example.com" || seen.body != "hello" {
		t.Errorf("upstream saw %q at %q with %q", seen.uri, seen.host, seen.body)
	}
	for name, want := range map[string][]string{
		"X-Added": {"by-guest"}, "X-Two": {"1", "2"}, "X-Secret": nil, "User-Agent": nil, "Accept-Encoding": nil, "Content-Length": {"5"},
	} {
		if d := cmp.Diff(want, seen.header.Values(name)); d != "" {
			t.Errorf("upstream header %s (-want +got)\n%s", name, d)
		}
	}
}

func TestLocalReplyKeepsTheUpstreamOut(t *testing.T) {
	var calls atomic.Int32
	upstream := serve(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	base, _ := start(t, "request_headers: reply 403 x-why=because no; pause", upstream, nil)
	// The body is announced and never sent: a refusal by headers does not wait for it.
	resp := raw(t, base, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
	if got := body(t, resp); resp.StatusCode != http.StatusForbidden || got != "no" || resp.Header.Get("X-Why") != "because" {
		t.Errorf("got %d %q %v", resp.StatusCode, got, resp.Header)
	}
	if n := calls.Load(); n != 0 {
		t.Errorf("the upstream was called %d times", n)
	}
}

const awaiting = `request_headers: call auth 500 token=x; pause
http_call_response: get 6 :status; effective; continue 0`

func TestCalloutThenContinue(t *testing.T) {
	var asked atomic.Value
	auth := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		asked.Store(r.Method + " " + r.RequestURI + " " + r.Host + " " + string(b))
		io.WriteString(w, "ok")
	})
	upstream := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "backend") })
	base, host := start(t, awaiting, upstream, nil, hostsim.WithCluster("auth", auth))
	resp := get(t, base+"/x")
	if got := body(t, resp); resp.StatusCode != 200 || got != "backend" {
		t.Errorf("got %d %q", resp.StatusCode, got)
	}
	if got := asked.Load(); got != "POST /call auth token=x" {
		t.Errorf("auth was asked %q", got)
	}
	wantLogged(t, host, `get 6 :status -> 0 "200"`)
}

func wantLogged(t *testing.T, host *hostsim.Host, text string) {
	t.Helper()
	for _, l := range host.Log() {
		if strings.Contains(l.Message, text) {
			return
		}
	}
	t.Errorf("no log line has %q: %v", text, host.Log())
}

func TestTwoWayTLSToTheUpstream(t *testing.T) {
	ca, err := pki.NewCA("ca", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	serverCert, err1 := ca.Server("127.0.0.1")
	clientCert, err2 := ca.Client("gateway")
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	server, err1 := serverCert.TLS()
	client, err2 := clientCert.TLS()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.TLS.PeerCertificates[0].DNSNames[0])
	}))
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{server}, ClientCAs: ca.Pool(), ClientAuth: tls.RequireAndVerifyClientCert}
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	for _, tc := range []struct {
		name   string
		certs  []tls.Certificate
		status int
		body   string
	}{
		{"with the certificate", []tls.Certificate{client}, 200, "gateway"},
		{"without", nil, 503, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			transport := gateway.NewTransport(&tls.Config{RootCAs: ca.Pool(), Certificates: tc.certs})
			defer transport.CloseIdleConnections()
			base, _ := start(t, "", gateway.Endpoint{Base: mustParse(t, srv.URL), Transport: transport}, nil)
			resp := get(t, base)
			if got := body(t, resp); resp.StatusCode != tc.status || tc.body != "" && got != tc.body {
				t.Errorf("got %d %q", resp.StatusCode, got)
			}
		})
	}
}

func TestManyAtOnce(t *testing.T) {
	upstream := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RequestURI) })
	base, _ := start(t, "", upstream, nil, hostsim.WithWorkers(2))
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 25 {
				path := fmt.Sprintf("/%d/%d", worker, i)
				resp, err := client.Get(base + path)
				if err != nil {
					t.Error(err)
					return
				}
				b, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if string(b) != path {
					t.Errorf("%s answered %q", path, b)
				}
			}
		})
	}
	wg.Wait()
}

func TestNewRefuses(t *testing.T) {
	if _, err := gateway.New(gateway.Config{}); err == nil {
		t.Error("no host, no upstream: accepted")
	}
	module, err := compile()
	if err != nil {
		t.Fatal(err)
	}
	host, err := module.New(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer host.Process().Close(context.Background())
	if _, err := gateway.New(gateway.Config{Host: host, Upstream: gateway.Endpoint{Base: mustParse(t, "http://x"), Transport: gateway.NewTransport(nil)}}); err == nil {
		t.Error("a host on a fake clock: accepted")
	}
}
