package usage

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const statistics = `# TYPE sallyport_usage counter
sallyport_usage{decision="allow",app="shop",product="gold%20%26%20more",api="orders",version="v1",class="2xx"} 90
sallyport_usage{decision="allow",app="shop",product="gold%20%26%20more",api="orders",version="v1",class="5xx"} 10
sallyport_usage{decision="deny",reason="token.inactive",app="shop",product="gold%20%26%20more",api="orders",version="v1",class="4xx"} 3
sallyport_usage{decision="deny",reason="api.unknown",class="4xx"} 2
sallyport_usage{decision="answer",api="orders",version="v1",class="2xx"} 50
# TYPE sallyport_latency_ms histogram
sallyport_latency_ms_bucket{app="shop",product="gold%20%26%20more",api="orders",version="v1",le="10"} 50
sallyport_latency_ms_bucket{app="shop",product="gold%20%26%20more",api="orders",version="v1",le="25"} 100
sallyport_latency_ms_bucket{app="shop",product="gold%20%26%20more",api="orders",version="v1",le="+Inf"} 100
sallyport_latency_ms_sum{app="shop",product="gold%20%26%20more",api="orders",version="v1"} 1000
sallyport_latency_ms_count{app="shop",product="gold%20%26%20more",api="orders",version="v1"} 100
# TYPE sallyport_key_last_used_seconds gauge
sallyport_key_last_used_seconds{key="k%201"} 1795521600
`

func serve(t *testing.T, status int, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestEnvoy(t *testing.T) {
	e := Envoy(serve(t, http.StatusOK, statistics))
	record, err := e.Read(t.Context(), period)
	if err != nil {
		t.Fatal(err)
	}
	ms := func(v float64) *float64 { return &v }
	want := []Row{
		{Denied: map[string]uint64{"api.unknown": 2}},
		{App: "shop", Product: "gold & more", API: "orders", Version: "v1", Calls: 100, Errors: 10, Denied: map[string]uint64{"token.inactive": 3}, P50: ms(10), P95: ms(23.5)},
	}
	if diff := cmp.Diff(want, record.Rows(Filter{})); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[1:], record.Rows(Filter{App: "shop", API: "orders", Version: "v1"})); diff != "" {
		t.Errorf("rows of one party (-want +got):\n%s", diff)
	}
	for _, f := range []Filter{{App: "x"}, {API: "x"}, {Version: "x"}} {
		if rows := record.Rows(f); len(rows) != 0 {
			t.Errorf("%v wants %v", f, rows)
		}
	}
	if d := record.Deprecate("orders", "v2", true, time.Hour); d.Verdict != Unknown {
		t.Errorf("an Envoy alone says %q", d.Verdict)
	}
	if d := record.Deprecate("orders", "v1", false, 0); d.Verdict != InUse {
		t.Errorf("with calls: %q", d.Verdict)
	}
	keys, err := e.Keys(t.Context(), noon)
	if diff := cmp.Diff(map[string]time.Time{"k 1": time.Unix(1795521600, 0)}, keys); err != nil || diff != "" {
		t.Errorf("keys (-want +got), %v:\n%s", err, diff)
	}
}

func TestSourcesThatFail(t *testing.T) {
	for _, tt := range []struct {
		name, address, says string
	}{
		{"not a URL", "127.0.0.1:9090", "must be a URL"},
		{"another scheme", "file:///etc/passwd", "must be a URL"},
		{"nobody there", "http://me:geheim@127.0.0.1:1", "127.0.0.1:1"},
		{"refuses", serve(t, http.StatusUnprocessableEntity, `{"status":"error","error":"too many samples"}`), "too many samples"},
		{"something else", serve(t, http.StatusOK, "<html>"), "decode"},
		{"an error in a good answer", serve(t, http.StatusOK, `{"status":"error","error":"bad \u001b data"}`), ""},
		{"another shape", serve(t, http.StatusOK, `{"status":"success","data":{"result":7}}`), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, read := range map[string]func() error{
				"prometheus": func() error {
					_, err := Prometheus{Address: tt.address}.Read(t.Context(), period)
					return err
				},
				"envoy": func() error { _, err := Envoy(tt.address).Read(t.Context(), period); return err },
			} {
				err := read()
				if err == nil || !strings.Contains(err.Error(), tt.says) || strings.ContainsAny(err.Error(), "\x1b\n") || strings.Contains(err.Error(), "geheim") {
					t.Errorf("%s: got %v, want an error with %q, fit for a terminal", name, err, tt.says)
				}
			}
		})
	}
}

// FuzzParse: whatever a server answers is rows or an error.
func FuzzParse(f *testing.F) {
	f.Add([]byte(statistics))
	f.Add([]byte("sallyport_usage 1e400\n"))
	f.Add([]byte("# TYPE sallyport_usage histogram\nsallyport_usage_bucket{le=\"x\"} 1\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		families, err := parse(text)
		if err != nil {
			return
		}
		r := recordOf(families)
		for _, row := range r.Rows(Filter{}) {
			if row.P50 != nil && row.P95 != nil && *row.P50 > *row.P95 {
				t.Errorf("half of the calls took more than %v ms, and a twentieth more than %v", *row.P50, *row.P95)
			}
		}
		r.Deprecate("orders", "v1", false, 0)
	})
}
