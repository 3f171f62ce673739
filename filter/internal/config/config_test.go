package config

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/identity"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

func noEnv(string) (string, bool) { return "", false }

// load patches the base with YAML.
func load(t testing.TB, patch string) *Config {
	t.Helper()
	c, problems := Load(patched(t, []byte(patch)), func(string) (string, bool) { return "test-secret", true })
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return c
}

// plainAPI is a sequence for all hosts and paths.
func plainAPI(sequence string) string {
	return "apis: [{name: customers, version: v1, base_path: /}]\nproducts: [{name: portal}]\nsequence: " + sequence
}

const introspect = "introspect_token: {cluster: okta, authority: a.example, path: /i, client_id: c, client_secret: {inline: s}, timeout: "

// dispatcher notes the calls, and refuses them all when it says so.
type dispatcher struct {
	calls   []host.Callout
	failure host.Failure
}

func (d *dispatcher) dispatch(c host.Callout, _ func(int64, host.Answer)) host.Failure {
	d.calls = append(d.calls, c)
	return d.failure
}

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func request(headers ...host.Header) *pipeline.Exchange {
	return &pipeline.Exchange{
		Method: "GET", Authority: "a.example", Path: "/orders/1", Headers: headers,
		API: pipeline.API{Name: "customers", Version: "v1", PathSuffix: "/orders/1"},
	}
}

func run(s *pipeline.Sequence, x *pipeline.Exchange) (pipeline.Verdict, denial.Reason) {
	r := s.Begin()
	v := r.Advance(x, now.UnixNano(), func() {})
	return v, r.Denial().Reason
}

func wantDenied(t *testing.T, s *pipeline.Sequence, x *pipeline.Exchange, want denial.Reason) {
	t.Helper()
	if v, reason := run(s, x); v != pipeline.Denied || reason != want {
		t.Errorf("verdict %d for %s, want denied for %s", v, reason, want)
	}
}

func wantAdmitted(t *testing.T, s *pipeline.Sequence, x *pipeline.Exchange) {
	t.Helper()
	if v, reason := run(s, x); v != pipeline.Admitted {
		t.Errorf("verdict %d for %s, want admitted", v, reason)
	}
}

func TestLoadBase(t *testing.T) {
	c := load(t, "{}")
	if c.Format != denial.Apigee || !reflect.DeepEqual(c.Identity, identity.DefaultHeaders()) || c.LongestWait() != introspection.DefaultTimeout {
		t.Errorf("got %v, %v, %v", c.Format, c.Identity, c.LongestWait())
	}
	index, suffix, match := c.Catalog.ResolveAPI("api.example.com", "/customers/v1/orders/7")
	if match != catalog.ResolvedAPI || index != 0 || suffix != "/orders/7" {
		t.Fatalf("got %d, %q, %v", index, suffix, match)
	}
	app, key, ok := c.Catalog.FindKey([32]byte{
		0x59, 0x94, 0x47, 0x1a, 0xbb, 0x01, 0x11, 0x2a, 0xfc, 0xc1, 0x81, 0x59, 0xf6, 0xcc, 0x74, 0xb4,
		0xf5, 0x11, 0xb9, 0x98, 0x06, 0xda, 0x59, 0xb3, 0xca, 0xf5, 0xa9, 0xc1, 0x73, 0xca, 0xcf, 0xc5,
	})
	if !ok {
		t.Fatal("the key is not found")
	}
	wantKey := catalog.Key{ID: "k-2026-11", SHA256: key.SHA256, Status: catalog.Approved, Expires: time.Date(2027, 5, 1, 0, 0, 0, 0, time.UTC).Unix()}
	if diff := cmp.Diff(wantKey, *key); diff != "" {
		t.Error(diff)
	}
	if app.Name != "global-customer-portal" || app.Developer != "portal-team@example.com" || app.Status != catalog.Approved {
		t.Errorf("got app %v", app)
	}
	if diff := cmp.Diff([]string{"0oa1portal"}, app.TokenClients); diff != "" {
		t.Error(diff)
	}
	p, ok := c.Catalog.Grant(app, "customers", "v1", "GET", "/orders/7")
	if !ok || p.Name != "portal" || len(p.Scopes) != 1 || p.Scopes[0] != "customers.read" {
		t.Errorf("got product %v, %v", p, ok)
	}
	if _, ok := c.Catalog.Grant(app, "customers", "v1", "POST", "/orders/7"); ok {
		t.Error("another method is granted")
	}
}

func TestSequencesBaseRefuses(t *testing.T) {
	s := load(t, "{}").Sequences(host.Ports{Store: memstore.New(nil), Dispatcher: (&dispatcher{}).dispatch})
	if len(s) != 1 {
		t.Fatalf("%d sequences", len(s))
	}
	wantDenied(t, s[0], request(), denial.APIKeyMissing)
	wantDenied(t, s[0], request(host.Header{Name: "x-api-key", Value: "nobody's"}), denial.APIKeyUnknown)
}

func TestStepSwitches(t *testing.T) {
	const verify = "{verify_api_key: {from: [{header: x-api-key}]"
	tests := []struct {
		name     string
		sequence string
		want     denial.Reason
		admitted bool
	}{
		{"as it is", "[" + verify + "}}]", denial.APIKeyMissing, false},
		{"off", "[" + verify + ", enabled: false}}]", 0, true},
		{"dry run", "[" + verify + ", dry_run: true}}]", 0, true},
		{"on_error does not excuse a request", "[" + verify + ", on_error: continue}}]", denial.APIKeyMissing, false},
		{"technical fault", "[{" + introspect + "2s}}]", denial.IntrospectionNoHost, false},
		{"technical fault overridden", "[{" + introspect + "2s, on_error: continue}}]", 0, true},
		{"technical fault in dry run", "[{" + introspect + "2s, dry_run: true}}]", 0, true},
		{"no steps", "[]", 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := load(t, plainAPI(tt.sequence))
			s := c.Sequences(host.Ports{Store: memstore.New(nil), Dispatcher: (&dispatcher{failure: host.NoHost}).dispatch})[0]
			x := request(host.Header{Name: "authorization", Value: "Bearer abc"})
			if tt.admitted {
				wantAdmitted(t, s, x)
			} else {
				wantDenied(t, s, x, tt.want)
			}
		})
	}
}

func TestDryRunAndOnErrorTogether(t *testing.T) {
	c := load(t, plainAPI("[{"+introspect+"2s, on_error: continue, dry_run: true}}]"))
	s := c.Sequences(host.Ports{Store: memstore.New(nil), Dispatcher: (&dispatcher{failure: host.NoHost}).dispatch})[0]
	x := request(host.Header{Name: "authorization", Value: "Bearer abc"})
	wantAdmitted(t, s, x)
	if len(x.DryRun) != 0 || len(x.Overridden) != 1 {
		t.Errorf("dry run %v, overridden %v: live, the step would have let it pass", x.DryRun, x.Overridden)
	}
	x = request()
	wantAdmitted(t, s, x)
	if len(x.DryRun) != 1 || x.DryRun[0] != denial.TokenMissing {
		t.Errorf("dry run %v", x.DryRun)
	}
}

func TestRemoveCoversEveryPlace(t *testing.T) {
	c := load(t, plainAPI(`[{remove_api_key: {from: [{header: x-old-key}]}}, {verify_api_key: {enabled: false, from: [{header: x-api-key}]}}, {verify_api_key: {dry_run: true, from: [{header: x-api-key}, {query: key}]}}]`))
	want := []policy.Place{{Header: "x-old-key"}, {Header: "x-api-key"}, {Query: "key"}}
	if diff := cmp.Diff(want, c.sequences[0].keyPlaces); diff != "" {
		t.Error(diff)
	}
	x := request(host.Header{Name: "x-api-key", Value: "a"}, host.Header{Name: "x-old-key", Value: "b"})
	x.Query, x.HasQuery = "key=c&d=e", true
	wantAdmitted(t, c.Sequences(host.Ports{})[0], x)
	if diff := cmp.Diff([]string{"x-api-key", "x-old-key"}, sorted(x.Edits.Remove)); diff != "" {
		t.Error(diff)
	}
	if !x.Edits.QueryChanged || x.Edits.Query != "d=e" {
		t.Errorf("query %q, changed %v", x.Edits.Query, x.Edits.QueryChanged)
	}
}

func TestEachAPICountsItself(t *testing.T) {
	c := load(t, "apis: [{name: customers, version: v1, base_path: /a}, {name: customers, version: v2, base_path: /b}]\nsequence: [{spike_arrest: {rate: 1pm}}]")
	store := memstore.New(nil)
	s := c.Sequences(host.Ports{Store: store})
	wantAdmitted(t, s[0], request())
	wantDenied(t, s[0], request(), denial.SpikeArrestExceeded)
	wantAdmitted(t, s[1], request())
	// Another VM, or another configuration with the same limiter, goes on counting.
	again := load(t, "apis: [{name: customers, version: v1, base_path: /a}]\nsequence: [{spike_arrest: {rate: 1pm}}]").Sequences(host.Ports{Store: store})
	wantDenied(t, again[0], request(), denial.SpikeArrestExceeded)
}

func TestTwoLimitersOfOneSequenceAreTwo(t *testing.T) {
	c := load(t, plainAPI("[{spike_arrest: {rate: 2pm, burst: 2}}, {spike_arrest: {rate: 2pm, burst: 2}}]"))
	s := c.Sequences(host.Ports{Store: memstore.New(nil)})[0]
	wantAdmitted(t, s, request())
	wantAdmitted(t, s, request())
	wantDenied(t, s, request(), denial.SpikeArrestExceeded)
}

func TestAPIsShareOneIntrospection(t *testing.T) {
	c := load(t, "apis: [{name: customers, version: v1, base_path: /a}, {name: customers, version: v2, base_path: /b}]\nsequence: [{"+introspect+"2s}}]")
	d := &dispatcher{failure: host.NoFailure}
	s := c.Sequences(host.Ports{Store: memstore.New(nil), Dispatcher: d.dispatch})
	for i := range s {
		if v, _ := run(s[i], request(host.Header{Name: "authorization", Value: "Bearer abc"})); v != pipeline.Parked {
			t.Errorf("verdict %d", v)
		}
	}
	if len(d.calls) != 1 {
		t.Errorf("%d calls for one token", len(d.calls))
	}
}

func TestLongestWait(t *testing.T) {
	tests := []struct {
		name, patch string
		want        time.Duration
	}{
		{"none", plainAPI("[]"), 0},
		{"default", plainAPI("[{" + strings.TrimSuffix(introspect, ", timeout: ") + "}}]"), 2 * time.Second},
		{"largest", plainAPI("[{" + introspect + "1s}}, {" + introspect + "3s}}]"), 3 * time.Second},
		{"off", plainAPI("[{" + introspect + "1s}}, {" + introspect + "3s, enabled: false}}]"), time.Second},
		{"of an API", "apis: [{name: customers, version: v1, base_path: /, sequence: [{" + introspect + "5s}}]}]", 5 * time.Second},
		{"of a default that no API uses", "apis: [{name: customers, version: v1, base_path: /, sequence: []}]", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := load(t, tt.patch).LongestWait(); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestProblemsAreBounded(t *testing.T) {
	data := []byte(`{"version":1,"apis":[` + strings.Repeat("{},", 999) + `{}],"sequence":[]}`)
	_, problems := Load(data, noEnv)
	if len(problems) != decode.MaxKept+1 {
		t.Fatalf("%d problems", len(problems))
	}
	if got := problems[decode.MaxKept].String(); !strings.HasPrefix(got, "and ") || !strings.HasSuffix(got, " more") {
		t.Errorf("ends with %q", got)
	}
}

func TestSizeIsBounded(t *testing.T) {
	_, problems := Load(make([]byte, MaxBytes+1), noEnv)
	want := "configuration must have at most " + strconv.Itoa(MaxBytes) + " bytes, got " + strconv.Itoa(MaxBytes+1)
	if len(problems) != 1 || problems[0].String() != want {
		t.Errorf("got %v", problems)
	}
}

// A deep document must not be handed to a parser that calls itself.
func TestDeepDocuments(t *testing.T) {
	for _, unit := range []string{"[", `{"a":`, `[{"a":`} {
		data := []byte(strings.Repeat(unit, MaxBytes/len(unit)))
		if _, problems := Load(data, noEnv); len(problems) != 1 || !strings.Contains(problems[0].Message, "nest at most") {
			t.Errorf("%s...: got %v", unit, problems)
		}
	}
}

func TestInvalidUTF8(t *testing.T) {
	_, problems := Load([]byte("{\"version\":\"\xff\"}"), noEnv)
	if len(problems) != 1 || problems[0].String() != "configuration must be UTF-8" {
		t.Errorf("got %v", problems)
	}
}
