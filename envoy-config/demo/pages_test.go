package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/okta"
)

func TestDoors(t *testing.T) {
	steps := []string{"spike_arrest", "verify_api_key", "introspect_token", "require_token", "quota"}
	for name, test := range map[string]struct{ decision, reason, want string }{
		"let through":               {"allow", "", "OOOOOOO"},
		"no such API":               {"deny", "api.unknown", "R......"},
		"over the rate":             {"deny", "spike_arrest.exceeded", "OR....."},
		"no key":                    {"deny", "api_key.missing", "OOR...."},
		"an app that is revoked":    {"deny", "app.not_approved", "OOR...."},
		"no token":                  {"deny", "token.missing", "OOOR..."},
		"a revoked token":           {"deny", "token.inactive", "OOOR..."},
		"Okta is down":              {"deny", "introspection.unreachable", "OOOR..."},
		"a token without the scope": {"deny", "token.scope_insufficient", "OOOOR.."},
		"over the quota":            {"deny", "quota.exceeded", "OOOOOR."},
		"a fault of the filter":     {"deny", "internal.error", "R......"},
		"a filter that is gone":     {"", "", "R......"},
	} {
		t.Run(name, func(t *testing.T) {
			var got strings.Builder
			for _, d := range doorsOf(steps, test.decision, test.reason) {
				got.WriteString(map[string]string{doorOpened: "O", doorRefused: "R", doorBeyond: "."}[d.State])
			}
			if got.String() != test.want {
				t.Errorf("the doors are %s, want %s", &got, test.want)
			}
		})
	}
}

func TestVisitsAreBounded(t *testing.T) {
	var b visits
	for range maxVisits + 10 {
		b.add(visit{Method: strings.Repeat("M", 1<<20), Path: "/" + strings.Repeat("p", 1<<20)})
	}
	all := b.after(0)
	if len(all[0].Method) != maxVisitText || len(all[0].Path) != maxVisitText {
		t.Errorf("a visit keeps %d bytes of the method and %d of the path", len(all[0].Method), len(all[0].Path))
	}
	if len(all) != maxVisits || all[0].ID != 11 || all[maxVisits-1].ID != maxVisits+10 {
		t.Errorf("%d visits, from %d to %d", len(all), all[0].ID, all[len(all)-1].ID)
	}
	if got := b.after(maxVisits + 8); len(got) != 2 {
		t.Errorf("%d visits after the last but two", len(got))
	}
	if got := b.after(maxVisits + 10); got == nil || len(got) != 0 {
		t.Errorf("after the last: %v", got)
	}
}

func TestUsageRows(t *testing.T) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	seen := []visit{}
	for i := range 20 {
		seen = append(seen, visit{At: at.Add(time.Duration(i) * time.Second), Took: float64(i + 1), API: "a", Version: "v1", App: "x", Product: "p", Decision: "allow"})
	}
	rows := usageRows(map[string]uint64{
		"sallyport_usage.sp_decision=allow|sp_app=x|sp_product=p|sp_api=a|sp_version=v1|sp_class=2xx|":                          18,
		"sallyport_usage.sp_decision=allow|sp_app=x|sp_product=p|sp_api=a|sp_version=v1|sp_class=5xx|":                          2,
		"sallyport_usage.sp_decision=deny|sp_reason=token.inactive|sp_app=x|sp_product=p|sp_api=a|sp_version=v1|sp_class=4xx|":  3,
		"sallyport_usage.sp_decision=deny|sp_reason=api_key.missing|sp_app=|sp_product=|sp_api=a|sp_version=v2|sp_class=4xx|":   4,
		"sallyport_usage.sp_decision=deny|sp_reason=api_key.expired|sp_app=x|sp_product=p|sp_api=a|sp_version=v3|sp_class=4xx|": 0,
		"sallyport_decisions.sp_decision=allow|": 99,
	}, seen)
	last := seen[19].At
	want := []usageRow{
		{API: "a", Version: "v1", App: "x", Product: "p", Calls: 20, Errors: 2, Refused: map[string]int64{"token.inactive": 3}, P50: 10, P95: 19, Last: &last},
		{API: "a", Version: "v2", Refused: map[string]int64{"api_key.missing": 4}, P50: -1, P95: -1},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// TestRetirements: only a period that was seen as a whole lets a version go.
func TestRetirements(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	rows := []usageRow{
		{API: "a", Version: "v1", App: "x", Calls: 20},
		{API: "a", Version: "v2", Refused: map[string]int64{"api_key.missing": 4}}, // unidentified callers keep nothing alive
		{API: "a", Version: "v3", App: "x", Refused: map[string]int64{"token.inactive": 1}},
		{API: "a", Version: "v4", App: "y", Calls: 1}, // at a time that nobody noted
	}
	last := map[caller]time.Time{
		{"a", "v1", "x"}: now.Add(-time.Second),
		{"a", "v3", "x"}: now.Add(-2 * time.Minute),
	}
	versions := [][2]string{{"a", "v1"}, {"a", "v2"}, {"a", "v3"}, {"a", "v4"}, {"a", "v5"}}
	for name, test := range map[string]struct {
		period  string
		covered time.Duration
		want    []string
	}{
		"not seen long enough": {"minute", 59 * time.Second, []string{inUse, notKnown, notKnown, inUse, notKnown}},
		"a minute":             {"minute", time.Minute, []string{inUse, mayGo, mayGo, inUse, mayGo}},
		"an hour":              {"hour", time.Hour, []string{inUse, mayGo, inUse, inUse, mayGo}},
		"a month of an hour":   {"month", time.Hour, []string{inUse, notKnown, inUse, inUse, notKnown}},
		"no such period":       {"<b>", time.Hour, []string{inUse, notKnown, inUse, inUse, notKnown}},
	} {
		t.Run(name, func(t *testing.T) {
			got := retirements(versions, rows, last, now, seen{periodOf(test.period), test.covered})
			for i, r := range got {
				if r.State != test.want[i] {
					t.Errorf("%s is %s, want %s: %s", r.Version, r.State, test.want[i], r.Verdict)
				}
				if says := strings.Contains(r.Verdict, "May be retired"); says != (r.State == mayGo) {
					t.Errorf("%s: %s", r.Version, r.Verdict)
				}
			}
			if got[0].Verdict != "In use by x." {
				t.Errorf("the verdict is %q", got[0].Verdict)
			}
		})
	}
}

func TestTimeline(t *testing.T) {
	var b visits
	now := time.Date(2026, 11, 24, 12, 0, 5, 0, time.UTC)
	ok := visit{App: "x", API: "a", Version: "v1", Decision: "allow"}
	no := visit{App: "x", API: "a", Version: "v1", Decision: "deny", Reason: "token.inactive"}
	for _, v := range []struct {
		visit
		ago time.Duration
	}{{ok, 0}, {no, time.Second}, {ok, 14 * time.Second}, {ok, 2 * time.Second}, {ok, time.Hour}, {visit{Decision: ""}, 0}} {
		v.visit.At = now.Add(-v.ago)
		b.add(v.visit)
	}
	slots, last := b.charted(now)
	want := []slot{
		{At: now.Truncate(slotLength).Add(-slotLength), Calls: map[string]int{"x, a v1": 1}, Refused: map[string]int{}},
		{At: now.Truncate(slotLength), Calls: map[string]int{"x, a v1": 2}, Refused: map[string]int{"token.inactive": 1, "no reason": 1}},
	}
	if diff := cmp.Diff(want, slots[maxSlots-2:]); diff != "" || len(slots) != maxSlots {
		t.Errorf("%d slots; the last two (-want +got):\n%s", len(slots), diff)
	}
	if at := last[caller{"a", "v1", "x"}]; !at.Equal(now) {
		t.Errorf("the last call was at %s", at)
	}
	// It is bounded, whatever names there are and however long it runs.
	for i := range 10 * maxNames {
		b.add(visit{At: now.Add(time.Duration(i) * time.Minute), App: fmt.Sprint(i), Decision: "allow"})
	}
	if len(b.chart.slots) > maxSlots || len(b.chart.names) > maxNames || len(b.chart.last) > maxNames {
		t.Errorf("%d slots, %d names, %d callers", len(b.chart.slots), len(b.chart.names), len(b.chart.last))
	}
	if slots, _ := b.charted(now.Add(10 * maxNames * time.Minute)); len(slots) != maxSlots || slots[maxSlots-1].Calls[otherNames] != 0 {
		t.Errorf("later: %v", slots)
	}
}

func TestDoorTimes(t *testing.T) {
	began := time.Unix(0, 0)
	entry := func(ms int, name, args string) hostsim.TraceEntry {
		return hostsim.TraceEntry{At: began.Add(time.Duration(ms) * time.Millisecond), Name: name, Args: args}
	}
	callback := func(ms int, name string) hostsim.TraceEntry {
		e := entry(ms, name, "")
		e.Callback = true
		return e
	}
	start := callback(0, "proxy_on_request_headers")
	first, second := entry(1, markCall, markBegin), entry(3, markCall, markBegin)
	goesOn, allowed, logged := entry(9, markCall, markGoOn), entry(10, "proxy_replace_header_map_value", ""), callback(15, "proxy_on_log")
	for name, test := range map[string]struct {
		decision, reason string
		trace            []hostsim.TraceEntry
		want             []float64 // -1 for none
	}{
		"let through":      {"allow", "", []hostsim.TraceEntry{start, first, second, goesOn, allowed, logged}, []float64{1, 2, 7, 5}},
		"no key":           {"deny", "api_key.missing", []hostsim.TraceEntry{start, first, entry(2, "proxy_send_local_response", ""), logged}, []float64{1, 1, -1, -1}},
		"a revoked token":  {"deny", "token.inactive", []hostsim.TraceEntry{start, first, second, goesOn, entry(12, "proxy_send_local_response", ""), logged}, []float64{1, 2, 9, -1}},
		"no such API":      {"deny", "api.unknown", []hostsim.TraceEntry{start, entry(1, "proxy_send_local_response", "")}, []float64{1, -1, -1, -1}},
		"no marks":         {"allow", "", []hostsim.TraceEntry{start, allowed, logged}, []float64{-1, -1, -1, -1}},
		"too many marks":   {"allow", "", []hostsim.TraceEntry{start, first, first, second, allowed, logged}, []float64{-1, -1, -1, -1}},
		"never decided":    {"deny", "token.inactive", []hostsim.TraceEntry{start, first, second}, []float64{-1, -1, -1, -1}},
		"nothing was seen": {"allow", "", nil, []float64{-1, -1, -1, -1}},
	} {
		t.Run(name, func(t *testing.T) {
			doors := doorsOf([]string{"verify_api_key", "introspect_token"}, test.decision, test.reason)
			timeDoors(doors, test.trace, began.Add(20*time.Millisecond))
			for i, d := range doors {
				got := -1.0
				if d.Took != nil {
					got = *d.Took
				}
				if got != test.want[i] {
					t.Errorf("%s took %v, want %v", d.Name, got, test.want[i])
				}
			}
		})
	}
}

// TestAdvice: what a card says of a refusal stands in the page it links to.
func TestAdvice(t *testing.T) {
	var r result
	r.refused("token.scope_insufficient")
	if r.Door != "require token" || !strings.Contains(r.Advice, "names the scopes") {
		t.Errorf("%+v", r)
	}
	if !strings.HasPrefix(r.Advice, "The ") || !strings.HasSuffix(r.Advice, "?") {
		t.Errorf("the advice is no sentence: %s", r.Advice)
	}
	if r.refused(""); r.Reason != "" || r.Door != "" || r.Advice != "" {
		t.Errorf("after a good answer: %+v", r)
	}
	if r.refused("<b>x</b>"); r.Advice != "" {
		t.Errorf("a reason that is none has advice: %q", r.Advice)
	}
}

// TestConsole asks the pages' server without a browser.
func TestConsole(t *testing.T) {
	org, err := okta.New(okta.Config{Issuer: "https://127.0.0.1:1/oauth2/default", Scopes: []string{"s"}, Clients: []okta.Client{{ID: "c", Secret: "s"}}})
	if err != nil {
		t.Fatal(err)
	}
	config := `{"apis":[{"name":"a","version":"v1"}],"sequence":[{"spike_arrest":{}},{"introspect_token":{}}]}`
	c, err := newConsole(HostSim, []byte(config), org.Faults())
	if err != nil {
		t.Fatal(err)
	}
	metricsAway := false
	c.series = func(context.Context) (map[string]uint64, error) {
		if metricsAway {
			return nil, fmt.Errorf("secret address")
		}
		return map[string]uint64{"sallyport_usage.sp_decision=allow|sp_app=x|sp_product=p|sp_api=a|sp_version=v1|sp_class=2xx|": 1}, nil
	}
	c.burst = func(context.Context) ([]statusCount, error) { return []statusCount{{200, 10}, {429, 40}}, nil }
	c.visits.add(visit{Method: "GET", Path: "/a", Decision: "allow", Doors: doorsOf(c.steps, "allow", "")})
	mux := http.NewServeMux()
	c.routes(mux)
	ask := func(method, target string, form url.Values) (int, string) {
		t.Helper()
		r := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	for _, page := range []string{"/trace", "/usage", "/faults", "/troubleshooting", "/trace.js", "/usage.js", "/chart.js"} {
		status, body := ask("GET", page, nil)
		if status != 200 || body == "" {
			t.Errorf("%s: %d", page, status)
		}
		if heads := strings.Count(body, "<head>"); !strings.HasSuffix(page, ".js") && (heads != 1 || !strings.HasPrefix(body, "<!DOCTYPE html>")) {
			t.Errorf("%s has %d heads: %.60s", page, heads, body)
		}
	}
	var trace traceAnswer
	for after, want := range map[string]int{"": 1, "0": 1, "1": 0, "-1": 1, "x": 1, strings.Repeat("9", 1000): 1} {
		_, body := ask("GET", "/trace.json?after="+after, nil)
		if err := json.Unmarshal([]byte(body), &trace); err != nil || len(trace.Visits) != want {
			t.Errorf("after %q: %v, %s", after, err, body)
		}
	}
	if _, body := ask("GET", "/usage.json", nil); !strings.Contains(body, `"calls":1`) || !strings.Contains(body, "In use by x.") {
		t.Errorf("usage: %s", body)
	}
	if _, body := ask("GET", "/troubleshooting", nil); !strings.Contains(body, `<code id="token.inactive">`) {
		t.Errorf("troubleshooting: %s", body)
	}
	metricsAway = true
	if status, body := ask("GET", "/usage.json", nil); status != 502 || strings.Contains(body, "secret") {
		t.Errorf("usage without metrics: %d %s", status, body)
	}
	for fault, want := range map[string]int{"slow": 200, "limited": 200, "none": 200, "": 400, "<b>nowhere": 400, strings.Repeat("nowhere", maxPortalForm): 400} {
		if status, body := ask("POST", "/faults", url.Values{"fault": {fault}}); status != want || strings.Contains(body, "nowhere") {
			t.Errorf("fault %q: %d", fault, status)
		}
	}
	if _, body := ask("POST", "/faults", url.Values{"fault": {"down"}}); !strings.Contains(body, `<strong id="now">Okta is down</strong>`) {
		t.Errorf("down: %s", body)
	}
	w := httptest.NewRecorder()
	func() {
		defer func() { _ = recover() }() // http.ErrAbortHandler: Okta closes the connection
		org.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/oauth2/default/v1/keys", nil))
	}()
	if w.Body.Len() > 0 {
		t.Errorf("Okta is switched off, and answers %d", w.Code)
	}
	if _, body := ask("POST", "/faults/burst", nil); !strings.Contains(body, "10 × 200 40 × 429") {
		t.Errorf("burst: %s", body)
	}
}
