package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/verbatim"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// tokenSeparators are the bytes that may stand in a header's name (RFC 9110 section 5.6.2) and are neither letter nor
// digit.
const tokenSeparators = "!#$%&'*+-.^_`|~"

// trailerBackend keeps the headers and trailers of the last request.
type trailerBackend struct {
	*httptest.Server
	mu                sync.Mutex
	headers, trailers http.Header
}

func newTrailerBackend(t *testing.T) *trailerBackend {
	t.Helper()
	b := &trailerBackend{}
	b.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.headers, b.trailers = r.Header.Clone(), r.Trailer.Clone()
	}))
	b.Config.ErrorLog = log.New(io.Discard, "", 0)
	b.Start()
	t.Cleanup(b.Close)
	return b
}

func (b *trailerBackend) take() (headers, trailers http.Header) {
	b.mu.Lock()
	defer b.mu.Unlock()
	headers, trailers = b.headers, b.trailers
	b.headers, b.trailers = nil, nil
	return headers, trailers
}

// TestForgedIdentity: no spelling of an identity header, nor of the API key's, comes through a real Envoy, in headers
// or in trailers, over HTTP/1.1 with enable_trailers and as gRPC. What is only similar comes through.
func TestForgedIdentity(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{Module: wasmbuild.Package(t, "./filter"), Shared: true})
	backend := newTrailerBackend(t)
	cluster, err := cluster("backend", "backend", backend.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	withTrailers := map[string]any{"enable_trailers": true}
	cluster["typed_extension_protocol_options"] = map[string]any{
		"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": map[string]any{
			"@type":                "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
			"explicit_http_config": map[string]any{"http_protocol_options": withTrailers},
		},
	}
	if ok, err := s.envoy.OfferClusters(t.Context(), []any{cluster}); err != nil || !ok {
		t.Fatalf("envoy takes the clusters: %v, %v", ok, err)
	}
	config := `{"version":1,"identity_headers":{"subject":"x-user"},"apis":[{"name":"open","version":"v1","base_path":"/open","sequence":[]},` +
		`{"name":"keyed","version":"v1","base_path":"/keyed","sequence":[{"remove_api_key":{"from":[{"header":"x-api-key"}]}}]}]}`
	s.serve(plan{name: "gwforged", config: []byte(config), change: func(_, manager, _ map[string]any) {
		manager["http_protocol_options"] = withTrailers
	}})
	address, err := s.envoy.Listener(t.Context(), "gwforged")
	if err != nil {
		t.Fatal(err)
	}
	sends := map[string]func(*testing.T, string, string, []scenario.Header) int{"HTTP 1.1": sendChunked, "gRPC": sendGRPC}
	for protocol, send := range sends {
		for _, path := range []string{"/open/1", "/keyed/1"} {
			for _, c := range tokenSeparators {
				name := protocol + " " + path + " " + string(c)
				forged, key, harmless := spellings(string(c))
				lines := []scenario.Header{{Name: forged[0], Value: "root"}, {Name: forged[1], Value: "root"}, {Name: key, Value: siteKey}, {Name: harmless, Value: "stays"}}
				if status := send(t, address, path, lines); status != 200 {
					t.Errorf("%s: status %d", name, status)
					continue
				}
				headers, trailers := backend.take()
				wantCleaned(t, name, headers, trailers, path, string(c))
			}
		}
	}
}

func spellings(sep string) (forged []string, key, harmless string) {
	return []string{"x" + sep + "sallyport" + sep + "subject", "x" + sep + "user"}, "x" + sep + "api" + sep + "key", "x" + sep + "users"
}

func wantCleaned(t *testing.T, name string, headers, trailers http.Header, path, sep string) {
	t.Helper()
	forged, key, harmless := spellings(sep)
	for place, seen := range map[string]http.Header{"header": headers, "trailer": trailers} {
		for _, f := range forged {
			if seen.Get(f) != "" {
				t.Errorf("%s: the backend saw the %s %s", name, place, f)
			}
		}
		keyStays := path == "/open/1" && place == "header" // where no step removes it
		if got := seen.Get(key) != ""; got != keyStays {
			t.Errorf("%s: the backend saw the key's %s: %v", name, place, got)
		}
		if seen.Get(harmless) != "stays" {
			t.Errorf("%s: the %s %s was lost: %v", name, place, harmless, seen)
		}
	}
}

// sendChunked sends the lines as headers and as trailers over HTTP/1.1.
func sendChunked(t *testing.T, address, path string, lines []scenario.Header) (status int) {
	t.Helper()
	var text strings.Builder
	for _, h := range lines {
		text.WriteString(h.Name + ": " + h.Value + "\r\n")
	}
	r := scenario.Request{
		Method: "POST", Target: path, Headers: append([]scenario.Header{{Name: "host", Value: "api.example.com"}, {Name: "transfer-encoding", Value: "chunked"}}, lines...),
		Body: fmt.Appendf(nil, "4\r\nbody\r\n0\r\n%s\r\n", text.String()),
	}
	response, err := verbatim.Send(t.Context(), address, r)
	if err != nil {
		t.Fatal(err)
	}
	return response.Status
}

// sendGRPC does the same over HTTP/2, as a gRPC client that sends one empty message.
func sendGRPC(t *testing.T, address, path string, lines []scenario.Header) (status int) {
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
	encode := func(lines []scenario.Header) []byte {
		block.Reset()
		for _, h := range lines {
			_ = encoder.WriteField(hpack.HeaderField{Name: h.Name, Value: h.Value})
		}
		return bytes.Clone(block.Bytes())
	}
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_, err = io.WriteString(conn, http2.ClientPreface)
	err = errors.Join(err, framer.WriteSettings(),
		framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndHeaders: true, BlockFragment: encode(append([]scenario.Header{
			{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "http"}, {Name: ":authority", Value: "api.example.com"}, {Name: ":path", Value: path},
			{Name: "content-type", Value: "application/grpc"}, {Name: "te", Value: "trailers"},
		}, lines...))}),
		framer.WriteData(1, false, make([]byte, 5)),
		framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndHeaders: true, EndStream: true, BlockFragment: encode(lines)}))
	if err != nil {
		t.Fatal(err)
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatalf("read the answer: %v", err)
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			_, _ = fmt.Sscan(f.PseudoValue("status"), &status)
			return status
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			return 0
		}
	}
}
