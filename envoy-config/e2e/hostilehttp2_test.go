package e2e

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// http2Cases are header blocks of one request without a key, name and value in turn, as no client library would send
// them, and what they come to on the shipped and on a bare connection manager.
var http2Cases = []struct {
	name    string
	headers []string
	want    string
	bare    string
}{
	{"plain", []string{":method", "GET", ":scheme", "http", ":authority", "api.example.com", ":path", "/private/x"}, "401", "401"},
	{"plain and open", []string{":method", "GET", ":scheme", "http", ":authority", "api.example.com", ":path", "/public/x"}, served, served},
	{"two paths", []string{":method", "GET", ":scheme", "http", ":authority", "api.example.com", ":path", "/public/x", ":path", "/private/x"}, closed, closed},
	{"two authorities", []string{":method", "GET", ":scheme", "http", ":authority", "open.example.com", ":authority", "api.example.com", ":path", "/private/x"}, closed, closed},
	{"host beside authority", []string{":method", "GET", ":scheme", "http", ":authority", "open.example.com", ":path", "/private/x", "host", "api.example.com"}, served, served},
	{"host instead of authority", []string{":method", "GET", ":scheme", "http", ":path", "/private/x", "host", "api.example.com"}, "401", "401"},
	{"two hosts and an authority", []string{":method", "GET", ":scheme", "http", ":authority", "open.example.com", ":path", "/private/x", "host", "api.example.com", "host", "api.example.com"}, closed, closed},
	{"no authority", []string{":method", "GET", ":scheme", "http", ":path", "/private/x"}, closed, closed},
	{"no path", []string{":method", "GET", ":scheme", "http", ":authority", "api.example.com"}, closed, closed},
	{"an empty path", []string{":method", "GET", ":scheme", "http", ":authority", "api.example.com", ":path", ""}, closed, closed},
	{"a path without a slash", []string{":method", "GET", ":scheme", "http", ":authority", "api.example.com", ":path", "private/x"}, closed, closed},
	{"an absolute URI as a path", []string{":method", "GET", ":scheme", "http", ":authority", "open.example.com", ":path", "http://api.example.com/private/x"}, closed, closed},
	{"dot segments", []string{":method", "GET", ":scheme", "http", ":authority", "api.example.com", ":path", "/public/../private/x"}, "401", "400"},
	{"a line end in the path", []string{":method", "GET", ":scheme", "http", ":authority", "api.example.com", ":path", "/public/x HTTP/1.1\r\nhost: a\r\n\r\nGET /private/x"}, closed, closed},
	{"a blank in the path", []string{":method", "GET", ":scheme", "http", ":authority", "api.example.com", ":path", "/public/x /private/x"}, closed, closed},
	{"a fragment", []string{":method", "GET", ":scheme", "http", ":authority", "api.example.com", ":path", "/private/x#/public"}, "400", "400"},
	{"a line end in a value", []string{":method", "GET", ":scheme", "http", ":authority", "api.example.com", ":path", "/public/x", "x", "a\r\nx-b: c"}, closed, closed},
	{"capital letters in a name", []string{":method", "GET", ":scheme", "http", ":authority", "api.example.com", ":path", "/public/x", "X-Api-Key", "1"}, closed, closed},
	{"transfer-encoding", []string{":method", "GET", ":scheme", "http", ":authority", "api.example.com", ":path", "/public/x", "transfer-encoding", "chunked"}, closed, closed},
	{"connection", []string{":method", "GET", ":scheme", "http", ":authority", "api.example.com", ":path", "/public/x", "connection", "x-api-key"}, closed, closed},
	{"a pseudo header behind the others", []string{":method", "GET", ":scheme", "http", ":authority", "api.example.com", "x", "y", ":path", "/private/x"}, closed, closed},
	{"an unknown pseudo header", []string{":method", "GET", ":scheme", "http", ":authority", "api.example.com", ":path", "/public/x", ":status", "200"}, closed, closed},
	{"a request line in the method", []string{":method", "GET /private/x HTTP/1.1\r\nhost: a\r\n\r\nGET", ":scheme", "http", ":authority", "api.example.com", ":path", "/public/x"}, closed, closed},
	{"another scheme", []string{":method", "GET", ":scheme", "https", ":authority", "api.example.com", ":path", "/private/x"}, "401", "401"},
	{"an authority with user information", []string{":method", "GET", ":scheme", "http", ":authority", "open.example.com@api.example.com", ":path", "/private/x"}, closed, closed},
	{"a length that is too large", []string{":method", "GET", ":scheme", "http", ":authority", "api.example.com", ":path", "/public/x", "content-length", "5"}, closed, closed},
}

func hostileHTTP2(t *testing.T, s *site) {
	for _, c := range http2Cases {
		for listener, want := range map[string]string{"gwshipped": c.want, "gwbare": c.bare} {
			t.Run(strings.TrimPrefix(listener, "gw")+"/"+c.name, func(t *testing.T) {
				s := s.on(t)
				address, err := s.envoy.Listener(t.Context(), listener)
				if err != nil {
					t.Fatal(err)
				}
				got := overHTTP2(t, address, c.headers)
				for _, r := range s.backend.Take() {
					if bypasses(r) {
						t.Errorf("the backend got %s %q for host %q", r.Method, r.Target, scenario.HeaderValue(r.Headers, "host"))
					}
					if got == "200" {
						got = served
					}
				}
				if got != want {
					t.Errorf("came to %s, want %s", got, want)
				}
			})
		}
	}
}

// overHTTP2 sends one header block on a connection of its own and gives the status of the answer, or closed when the
// stream or the connection was reset.
func overHTTP2(t *testing.T, address string, headers []string) string {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for i := 0; i+1 < len(headers); i += 2 {
		if err := encoder.WriteField(hpack.HeaderField{Name: headers[i], Value: headers[i+1]}); err != nil {
			t.Fatal(err)
		}
	}
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_, err = io.WriteString(conn, http2.ClientPreface)
	err = errors.Join(err, framer.WriteSettings(), framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: 1, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true,
	}))
	if err != nil {
		return closed
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return closed
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			if _, err := strconv.Atoi(f.PseudoValue("status")); err == nil {
				return f.PseudoValue("status")
			}
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			return closed
		}
	}
}
