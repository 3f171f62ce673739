package usage

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// rawStatistics are those of an Envoy without stats_tags.
const rawStatistics = `wasmcustom.sallyport_usage.sp_decision=allow|sp_app=shop|sp_product=gold%20%26%20more|sp_api=orders|sp_version=v1|sp_class=2xx|: 90
wasmcustom.sallyport_usage.sp_decision=allow|sp_app=shop|sp_product=gold%20%26%20more|sp_api=orders|sp_version=v1|sp_class=5xx|: 10
wasmcustom.sallyport_usage.sp_decision=deny|sp_reason=token.inactive|sp_app=shop|sp_product=gold%20%26%20more|sp_api=orders|sp_version=v1|sp_class=4xx|: 3
wasmcustom.sallyport_usage.sp_decision=deny|sp_reason=api.unknown|sp_class=4xx|: 2
wasmcustom.sallyport_key_last_used_seconds.sp_key=k%201|: 1795521600
wasmcustom.sallyport_latency_ms.sp_app=shop|sp_product=gold%20%26%20more|sp_api=orders|sp_version=v1|: B10(0,50) B25(1,100) B1e+06(1,100)
`

// raw serves an Envoy's two pages of statistics.
func raw(t *testing.T, flat, full string) Envoy {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/stats/prometheus", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, flat) })
	mux.HandleFunc("/stats", func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Query().Get("filter"), "sallyport") {
			t.Errorf("asks for all statistics: %s", r.URL)
		}
		_, _ = io.WriteString(w, full)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return Envoy(s.URL)
}

// TestUsageRaw: without labels, and with some of them, what an Envoy counted is read from the names.
func TestUsageRaw(t *testing.T) {
	ms := func(v float64) *float64 { return &v }
	want := []Row{
		{Denied: map[string]uint64{"api.unknown": 2}},
		{App: "shop", Product: "gold & more", API: "orders", Version: "v1", Calls: 100, Errors: 10, Denied: map[string]uint64{"token.inactive": 3}, P50: ms(10), P95: ms(23.5)},
	}
	for name, flat := range map[string]string{
		"no stats_tags": "# TYPE sallyport_usage_sp_decision_allow_sp_app_shop_ counter\nsallyport_usage_sp_decision_allow_sp_app_shop_{} 90\n",
		"some of them":  "# TYPE sallyport_usage counter\nsallyport_usage{decision=\"allow\"} 7\n# TYPE sallyport_usage_sp_app_shop_ counter\nsallyport_usage_sp_app_shop_{decision=\"allow\"} 90\n",
		"nothing there": "",
	} {
		t.Run(name, func(t *testing.T) {
			e := raw(t, flat, rawStatistics)
			record, err := e.Read(t.Context(), period)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, record.Rows(Filter{})); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if d := record.Deprecate("orders", "v2", true, time.Hour); d.Verdict != Unknown {
				t.Errorf("an Envoy alone says %q", d.Verdict)
			}
			keys, err := e.Keys(t.Context(), noon)
			if diff := cmp.Diff(map[string]time.Time{"k 1": time.Unix(1795521600, 0)}, keys); err != nil || diff != "" {
				t.Errorf("keys (-want +got), %v:\n%s", err, diff)
			}
		})
	}
}

// TestUsageRawNothing: where nothing can be known, the error says what to add.
func TestUsageRawNothing(t *testing.T) {
	e := raw(t, "# TYPE envoy_server_uptime gauge\nenvoy_server_uptime{} 7\n", "")
	if _, err := e.Read(t.Context(), period); err == nil || !strings.Contains(err.Error(), "stats_matcher") {
		t.Errorf("usage: %v", err)
	}
	if _, err := e.Keys(t.Context(), noon); err == nil || !strings.Contains(err.Error(), "stats_matcher") {
		t.Errorf("keys: %v", err)
	}
	// A Prometheus whose gateways have no stats_tags.
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/query", func(w http.ResponseWriter, r *http.Request) {
		result := `"matrix","result":[]`
		if strings.Contains(r.FormValue("query"), "__name__") {
			result = `"vector","result":[{"metric":{},"value":[1795521700,"3"]}]`
		}
		_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":`+result+`}}`)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	p := Prometheus{Address: s.URL}
	if _, err := p.Read(t.Context(), period); err == nil || !strings.Contains(err.Error(), "stats_tags") {
		t.Errorf("usage from Prometheus: %v", err)
	}
	if _, err := p.Keys(t.Context(), noon); err == nil || !strings.Contains(err.Error(), "stats_tags") {
		t.Errorf("keys from Prometheus: %v", err)
	}
}

// FuzzParseRaw: whatever an Envoy answers is rows or nothing.
func FuzzParseRaw(f *testing.F) {
	f.Add(rawStatistics)
	f.Add("wasmcustom.sallyport_usage.: 1e400\nwasmcustom.sallyport_latency_ms.sp_app=a|: B(,) B1(0,x)\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, _ := parseRaw(text)
		for _, row := range r.Rows(Filter{}) {
			if row.P50 != nil && row.P95 != nil && *row.P50 > *row.P95 {
				t.Errorf("half of the calls took more than %v ms, and a twentieth more than %v", *row.P50, *row.P95)
			}
		}
	})
}
