package engine_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/engine"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

const withKey = `{"version":1,"identity_headers":{"subject":"x-user"},"apis":[{"name":"a","version":"v1","base_path":"/a"},{"name":"open","version":"v1","base_path":"/open","sequence":[]}],
"sequence":[{"spike_arrest":{"rate":"1000ps","burst":100}},{"remove_api_key":{"from":[{"header":"x-api-key"}]}}]}`

func withKeyHeader(t *testing.T, p *proxy) *engine.Engine {
	t.Helper()
	e := engine.New(p)
	if !e.Configure([]byte(withKey), func(string) (string, bool) { return "", false }) {
		t.Fatalf("configuration refused: %q", p.lines)
	}
	return e
}

func trailers(names ...string) []host.Header {
	list := []host.Header{}
	for _, name := range names {
		list = append(list, host.Header{Name: name, Value: "v"})
	}
	return list
}

func TestForgedIdentityTrailersAreRemoved(t *testing.T) {
	for _, c := range "!#$%&'*+-.^_`|~" {
		sep := string(c)
		for _, path := range []string{"/a/orders", "/open/x"} {
			p := newProxy()
			p.headers = request("GET", path)
			s, action := p.open(withKeyHeader(t, p), 1)
			if action != engine.Pass {
				t.Fatal("not admitted")
			}
			p.trailers = trailers("x"+sep+"sallyport"+sep+"subject", "grpc-status", "x"+sep+"user", "x"+sep+"api"+sep+"key", "checksum")
			if s.OnRequestTrailers() != engine.Pass {
				t.Errorf("%s %s: trailers were held back", path, sep)
			}
			if diff := cmp.Diff(trailers("grpc-status", "checksum"), p.trailers); diff != "" {
				t.Errorf("%s %s: trailers (-want +got):\n%s", path, sep, diff)
			}
		}
	}
}

func TestForgedIdentityHarmlessTrailersCostOneRead(t *testing.T) {
	p := newProxy()
	p.headers = request("GET", "/open/x")
	s, _ := p.open(withKeyHeader(t, p), 1)
	edits := p.edits
	p.trailers = trailers("checksum", "x-users")
	if s.OnRequestTrailers() != engine.Pass || p.edits != edits {
		t.Errorf("trailers were set %d times", p.edits-edits)
	}
}

// While a verdict is open, trailers are cleaned when they come: some hosts do
// not ask again.
func TestForgedIdentityTrailersOfAParkedRequest(t *testing.T) {
	p := newProxy()
	s, _ := p.open(configured(t, p), 1)
	p.trailers = trailers("x.sallyport.subject")
	if s.OnRequestTrailers() != engine.Pause || len(p.trailers) != 0 {
		t.Errorf("trailers %v, want none and a pause", p.trailers)
	}
	p.land(active())
	if p.resumed[1] != 1 {
		t.Error("not resumed")
	}
}

func TestForgedIdentityTrailersThatCannotBeChangedEndTheRequest(t *testing.T) {
	for _, parked := range []bool{false, true} {
		for _, unread := range []bool{false, true} {
			p := newProxy()
			e := withKeyHeader(t, p)
			if parked {
				e = configured(t, p)
			}
			s, _ := p.open(e, 1)
			p.trailers = trailers("x.sallyport.subject")
			if unread {
				p.trailers = nil
			}
			p.refuses = true
			if s.OnRequestTrailers() != engine.Pause || len(p.replies[1]) != 1 || p.replies[1][0] != 500 {
				t.Errorf("parked %v, unread %v: replies %v, want one 500 and a pause", parked, unread, p.replies[1])
			}
			p.land(active())
			if p.resumed[1] != 0 {
				t.Errorf("parked %v, unread %v: resumed all the same", parked, unread)
			}
		}
	}
}

// TestACutRequestIsReadByPages: a refusal for its trailers has the headers of CORS, also of a request that waits.
func TestACutRequestIsReadByPages(t *testing.T) {
	const page = "https://app.example.com"
	p := newProxy()
	e := engine.New(p)
	with := strings.Replace(introspecting, `"sequence":[{"introspect_token"`, `"sequence":[{"cors":{"allow_origins":["`+page+`"]}},{"introspect_token"`, 1)
	if !e.Configure([]byte(with), func(string) (string, bool) { return "s3cret", true }) {
		t.Fatalf("configuration refused: %q", p.lines)
	}
	p.headers = append(p.headers, host.Header{Name: "origin", Value: page})
	s, action := p.open(e, 1)
	p.trailers, p.refuses = trailers("x.sallyport.subject"), true
	if action != engine.Pause || s.OnRequestTrailers() != engine.Pause {
		t.Fatal("the request does not wait")
	}
	if want := (host.Header{Name: "access-control-allow-origin", Value: page}); !slices.Contains(p.replied, want) {
		t.Errorf("the refusal has the headers %v, want %v among them", p.replied, want)
	}
}
