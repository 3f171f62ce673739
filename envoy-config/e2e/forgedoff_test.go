package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/envoy-config/internal/readingstest"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// ours is what CGI, WSGI and PHP make the variable of an identity header of, or of the key's.
var ours = regexp.MustCompile(`(?i)^x[^0-9a-z](sallyport|api[^0-9a-z]key)`)

// forgedNames are those of identity headers and of the key's header, with every separator.
func forgedNames() (all []string) {
	for _, a := range readingstest.Separators {
		for _, b := range readingstest.Separators {
			all = append(all, "x"+string(a)+"sallyport"+string(b)+"subject", "X"+string(a)+"SallyPort"+string(b)+"App", "x"+string(a)+"api"+string(b)+"key")
		}
		all = append(all, "x"+string(a)+"sallyport-client"+string(a)+"id", "x"+string(a)+"sallyport")
	}
	return all
}

// TestForgedIdentityWhereTheFilterIsOff: on the public route of per-route/opt-out.yaml nothing that a client says of itself
// reaches the backend, in headers and in trailers.
func TestForgedIdentityWhereTheFilterIsOff(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{Module: wasmbuild.Package(t, "./filter"), Shared: true})
	shipped := shippedRoutes(t, "opt-out.yaml", s.module)
	names := forgedNames()
	for _, tt := range []struct {
		name   string
		change func(listener, manager, plugin map[string]any)
		leaks  bool
	}{{"as shipped", shipped, false}, {"as it was", optOutAsItWas(shipped), true}} {
		t.Run(tt.name, func(t *testing.T) {
			s := s.on(t)
			name := "gwforged" + tt.name[len(tt.name)-3:]
			s.serve(plan{name: name, change: tt.change})
			const perRequest = 50 // Envoy takes 100 headers
			arrived := 0
			for from := 0; from < len(names); from += perRequest {
				r := scenario.Request{Method: "GET", Target: "/public/1", Headers: []scenario.Header{{Name: "host", Value: "api.example.com"}, {Name: "x-salary", Value: "harmless"}}}
				for _, n := range names[from:min(from+perRequest, len(names))] {
					r.Headers = append(r.Headers, scenario.Header{Name: n, Value: "forged"})
				}
				s.do("a public route", name, r, admitted)
			}
			s.quiet()
			for _, r := range s.backend.Take() {
				for _, h := range r.Headers {
					if ours.MatchString(h.Name) {
						arrived++
						if !tt.leaks {
							t.Errorf("the backend saw %s", h.Name)
						}
					}
				}
				if scenario.HeaderValue(r.Headers, "x-salary") == "" {
					t.Error("a header that is not ours was removed")
				}
			}
			clear(s.admitted)
			t.Logf("%d names, %d arrived", len(names), arrived)
			if tt.leaks && arrived == 0 {
				t.Error("nothing arrived: this cannot show what the shipped manifest withstands")
			}
		})
	}
	t.Run("trailers", func(t *testing.T) {
		s := s.on(t)
		trailers := make(chan http.Header, 2)
		backend := h2Backend(t, trailers)
		s.servedBy(strings.TrimPrefix(backend.URL, "http://"))
		for name, change := range map[string]func(listener, manager, plugin map[string]any){"gwtrailers": shipped, "gwtrailerswas": optOutAsItWas(shipped)} {
			s.serve(plan{name: name, change: change})
			got := s.withTrailers(name, names, trailers)
			arrived := 0
			for n, values := range got { // a name without a value was announced only
				if len(values) > 0 && ours.MatchString(n) && !strings.Contains(strings.ToLower(n), "key") {
					arrived++
				}
			}
			if leaks := name == "gwtrailerswas"; leaks != (arrived > 0) || got.Get("x-checksum") == "" {
				t.Errorf("%s: %d identity headers arrived in trailers: %v", name, arrived, got)
			}
		}
	})
}

// h2Backend speaks HTTP/2 without TLS, and notes the trailers that it gets.
func h2Backend(t *testing.T, trailers chan http.Header) *httptest.Server {
	backend := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		trailers <- r.Trailer
	}))
	backend.Config.Protocols = new(http.Protocols)
	backend.Config.Protocols.SetUnencryptedHTTP2(true)
	backend.Start()
	t.Cleanup(backend.Close)
	return backend
}

// servedBy puts a backend that speaks HTTP/2 in the place of the site's.
func (s *site) servedBy(address string) {
	s.t.Helper()
	var clusters []any
	for kind, address := range map[string]string{"okta": s.authority.Listener.Addr().String(), "backend": address} {
		cluster, err := cluster(kind, kind, address)
		if err != nil {
			s.t.Fatal(err)
		}
		if kind == "backend" {
			cluster["typed_extension_protocol_options"] = map[string]any{"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": map[string]any{
				"@type":                "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
				"explicit_http_config": map[string]any{"http2_protocol_options": map[string]any{}},
			}}
		}
		clusters = append(clusters, cluster)
	}
	if ok, err := s.envoy.OfferClusters(s.t.Context(), clusters); err != nil || !ok {
		s.t.Fatalf("envoy takes the clusters: %v, %v", ok, err)
	}
}

// withTrailers sends a request with trailers of these names, and gives those that arrive.
func (s *site) withTrailers(listener string, names []string, arrived chan http.Header) http.Header {
	s.t.Helper()
	address, err := s.envoy.Listener(s.t.Context(), listener)
	if err != nil {
		s.t.Fatal(err)
	}
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, "http://"+address+"/public/1", io.NopCloser(strings.NewReader("body")))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Host, r.ContentLength = "api.example.com", -1
	r.Trailer = http.Header{"X-Checksum": {"1"}}
	for _, n := range names {
		if len(r.Trailer) < 90 && strings.Contains(strings.ToLower(n), "sallyport") {
			r.Trailer[n] = []string{"forged"}
		}
	}
	response, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		s.t.Fatalf("status %d", response.StatusCode)
	}
	return <-arrived
}
