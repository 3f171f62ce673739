package main_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/event"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// wire sends headers as they are, pseudo headers included, and holds what comes of it against what must be so for every
// request: one verdict, ours or the backend's, and no trap.
func (g *gateway) wire(t fataler, headers abi.Headers) outcome {
	t.Helper()
	s, err := g.NewStream(0, hostsim.StreamInfo{})
	if err != nil {
		t.Fatalf("new stream: %v", err)
	}
	logged := len(g.Log())
	if err := s.RequestHeaders(headers, true); err != nil {
		t.Fatalf("send headers: %v", err)
	}
	var got outcome
	for {
		next, ok := s.Poll()
		if !ok {
			break
		}
		switch next.Kind {
		case event.ToUpstreamHeaders:
			got.backend = true
			if err := s.ResponseHeaders(abi.Headers{{Name: ":status", Value: "200"}}, true); err != nil {
				t.Errorf("the backend's answer: %v", err)
			}
		case event.ToClientHeaders:
			status, _ := next.Headers.Get(":status")
			_, _ = fmt.Sscan(status, &got.status)
			got.reason, _ = next.Headers.Get("x-sallyport-reason")
		}
	}
	if got.backend != (got.status == 200) || got.backend != (got.reason == "") {
		t.Errorf("no single verdict: %+v", got)
	}
	for _, l := range g.Log()[logged:] {
		if l.Host || strings.Contains(l.Message, "panic") {
			t.Errorf("log line %q", l.Message)
		}
	}
	return got
}

type fataler interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// wireHeaders are a whole request's, with some more.
func wireHeaders(more ...abi.Header) abi.Headers {
	r := request("token")
	h := abi.Headers{{Name: ":method", Value: "GET"}, {Name: ":path", Value: r.Path}, {Name: ":authority", Value: r.Authority}}
	return append(append(h, r.Headers...), more...)
}

// with is wireHeaders with another value of one of them.
func with(name, value string) abi.Headers {
	h := wireHeaders()
	for i := range h {
		if h[i].Name == name {
			h[i].Value = value
		}
	}
	return h
}

// TestHostileRequestHeaders: what no client should send is refused, or does no harm.
func TestHostileRequestHeaders(t *testing.T) {
	g := start(t, module(t), configuration(t, fullSequence))
	r, x := g.do(request("token")) // into the cache, so that the clock may stand still
	g.must("a good request", r, x, admitted)
	for _, tt := range hostileRequests() {
		t.Run(tt.name, func(t *testing.T) {
			if got := g.wire(t, tt.headers); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			if got := g.wire(t, wireHeaders()); got != admitted {
				t.Errorf("a good request after it: %+v", got)
			}
		})
	}
	if got := g.metric("sallyport_panics"); got != 0 {
		t.Errorf("%d panics", got)
	}
}

type hostileRequest struct {
	name    string
	headers abi.Headers
	want    outcome
}

func hostileRequests() []hostileRequest {
	const (
		ownHeaders = 10 // of wireHeaders 5, and :scheme, x-forwarded-for, x-forwarded-proto, x-request-id, x-envoy-internal or -external-address
		mebibyte   = 1 << 20
	)
	many := func(n int) abi.Headers {
		var more abi.Headers
		for i := range n - ownHeaders {
			more = append(more, abi.Header{Name: fmt.Sprintf("x-%d", i), Value: "v"})
		}
		return wireHeaders(more...)
	}
	refused := func(status int, reason string) outcome { return outcome{status: status, reason: reason} }
	return []hostileRequest{
		{"none", nil, refused(400, "request.malformed")},
		{"1", abi.Headers{{Name: ":path", Value: "/"}}, refused(400, "request.malformed")},
		{"100", many(100), admitted},
		{"1019, and 5 more for the backend", many(1019), admitted},
		{"1020, and 5 more for the backend", many(1020), refused(500, "internal.error")},
		{"1024", many(1024), refused(500, "internal.error")},
		{"1025", many(1025), refused(500, "internal.error")},
		{"3000", many(3000), refused(500, "internal.error")},
		{"a value below 1 MiB", wireHeaders(abi.Header{Name: "x-big", Value: strings.Repeat("v", mebibyte-1000)}), admitted},
		{"a value of 1 MiB", wireHeaders(abi.Header{Name: "x-big", Value: strings.Repeat("v", mebibyte)}), refused(500, "internal.error")},
		{"a name below 1 MiB", wireHeaders(abi.Header{Name: strings.Repeat("n", mebibyte-1000)}), admitted},
		{"a value of 3 MiB", wireHeaders(abi.Header{Name: "x-big", Value: strings.Repeat("v", 3*mebibyte)}), refused(500, "internal.error")},
		{"empty names and values", wireHeaders(abi.Header{}, abi.Header{}), admitted},
		{"a second path", append(wireHeaders(), abi.Header{Name: ":path", Value: "/customers/v1/%2e%2e"}), refused(400, "request.path_ambiguous")},
		{"a second authority", append(wireHeaders(), abi.Header{Name: ":authority", Value: "elsewhere"}), refused(404, "api.unknown")},
		{"an unknown pseudo header", wireHeaders(abi.Header{Name: ":status", Value: "200"}), admitted},
		{"no path", with(":path", ""), refused(400, "request.malformed")},
		{"no method", with(":method", ""), refused(400, "request.malformed")},
		{"no authority", with(":authority", ""), refused(400, "request.malformed")},
		{"NUL in the path", with(":path", "/customers/v1/\x00"), refused(400, "request.path_ambiguous")},
		{"CR and LF in the path", with(":path", "/customers/v1/\r\nx: y"), refused(400, "request.path_ambiguous")},
		{"a path of 1 MiB", with(":path", "/customers/v1/"+strings.Repeat("p", mebibyte-2000)), refused(400, "request.malformed")},
		{"a NUL behind the key", with("x-api-key", goodKey+"\x00"), refused(401, "api_key.unknown")},
		{"CR and LF behind the key", with("x-api-key", goodKey+"\r\n"), refused(401, "api_key.unknown")},
		{"a key of 1 MiB", with("x-api-key", strings.Repeat("k", mebibyte-2000)), refused(401, "api_key.unknown")},
		{"NUL in the token", with("authorization", "Bearer to\x00ken"), refused(401, "token.malformed")},
		{"LF in the token", with("authorization", "Bearer token\nx"), refused(401, "token.malformed")},
		{"bytes beyond ASCII in the token", with("authorization", "Bearer t\xc3\xb6ken"), refused(401, "token.malformed")},
		{"a token of 1 MiB", with("authorization", "Bearer "+strings.Repeat("t", mebibyte-2000)), refused(401, "token.too_long")},
		{"a second token", wireHeaders(abi.Header{Name: "Authorization", Value: "Bearer other"}), refused(400, "token.ambiguous")},
		{"a second key", wireHeaders(abi.Header{Name: "X-API-KEY", Value: goodKey}), refused(401, "api_key.ambiguous")},
	}
}

// TestHostileRandomHeaders: any bytes at all get one verdict, and a good request after them is served.
func TestHostileRandomHeaders(t *testing.T) {
	g := start(t, module(t), configuration(t, fullSequence))
	r, x := g.do(request("token"))
	g.must("a good request", r, x, admitted)
	names := rapid.OneOf(
		rapid.SampledFrom([]string{":path", ":method", ":authority", ":scheme", ":protocol", "host", "x-api-key", "authorization", "Authorization",
			"x-sallyport-app", "X_Sallyport_App", "x-forwarded-for", "content-type", "content-length", "transfer-encoding", "connection", ""}),
		rapid.StringN(0, 20, 20))
	values := rapid.OneOf(
		rapid.SampledFrom([]string{"", "/", "/customers/v1", "/customers/v1/..;/", "//", "*", "GET", "CONNECT", "api.example.com", "api.example.com:443", "Bearer token", "Bearer  token", "Bearer",
			goodKey, "application/grpc", "chunked", "18446744073709551616"}),
		rapid.Custom(func(t *rapid.T) string { return string(rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "bytes")) }))
	outcomes := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		for range 10 {
			h := wireHeaders()[:rapid.SampledFrom([]int{5, 5, 5, 4, 3, 0}).Draw(t, "own")]
			for range rapid.IntRange(0, 6).Draw(t, "more") {
				h = append(h, abi.Header{Name: names.Draw(t, "name"), Value: values.Draw(t, "value")})
			}
			if grpc(h) {
				continue // answered with status 200, whatever the verdict
			}
			if slices.ContainsFunc(h, func(h abi.Header) bool { return h.Name == ":path" && strings.Contains(h.Value, "#") }) {
				continue // answered with 400 by the host, before the filter
			}
			outcomes[g.wire(t, h).reason]++
		}
		if got := g.wire(t, wireHeaders()); got != admitted {
			t.Errorf("a good request after it: %+v", got)
		}
	})
	t.Logf("outcomes by reason: %v", outcomes)
}

func grpc(h abi.Headers) bool {
	value, _ := h.Get("content-type")
	return strings.HasPrefix(value, "application/grpc")
}

// TestHostileClaims: whatever an authorization server says of a token, the backend reads headers of one line each, of
// printable ASCII, that decode to what was said.
func TestHostileClaims(t *testing.T) {
	for _, subject := range []string{
		"jane\r\nx-sallyport-app: admin", "jane\nadmin", "jane\x00admin", "\r", " jane ", "\t", "j\u00e4ne", "\U0001f600", "100%", "%0d%0a", "a,b", `"quoted"`,
		"\u2028", "\x7f", "jane\x0b", strings.Repeat("x", 512),
	} {
		t.Run(fmt.Sprintf("%.20q", subject), func(t *testing.T) {
			quoted, err := json.Marshal(subject)
			if err != nil {
				t.Fatal(err)
			}
			g := start(t, module(t), configuration(t, fullSequence))
			g.okta.set(upstream.Respond(200, `{"active":true,"iss":"https://dev.okta.com","aud":"api://default","scope":"customers.read","sub":`+string(quoted)+`,"client_id":`+string(quoted)+`}`))
			r, x := g.do(request("token"))
			if x.Upstream == nil {
				g.must("a subject that is not taken", r, x, outcome{status: 502, reason: "introspection.claims_invalid"})
				return
			}
			for _, name := range []string{"x-sallyport-subject", "x-sallyport-client-id"} {
				values := x.Upstream.Headers.Values(name)
				if len(values) != 1 {
					t.Fatalf("%s came as %q", name, values)
				}
				if strings.ContainsFunc(values[0], func(c rune) bool { return c < ' ' || c > '~' }) || values[0] != strings.TrimSpace(values[0]) {
					t.Errorf("%s is %q", name, values[0])
				}
				if got, err := url.PathUnescape(values[0]); err != nil || got != subject {
					t.Errorf("%s is %q, which decodes to %q (%v), want %q", name, values[0], got, err, subject)
				}
			}
		})
	}
}
