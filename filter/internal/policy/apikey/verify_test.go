package apikey_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/apikey"
)

var now = time.Date(2027, 5, 1, 0, 0, 0, 0, time.UTC)

// The text of a key in these tests is its id.
func key(id string, status catalog.Status, expires time.Time) catalog.Key {
	k := catalog.Key{ID: id, SHA256: sha256.Sum256([]byte(id)), Status: status}
	if expires != never {
		k.Expires = expires.Unix()
	}
	return k
}

var (
	longest = strings.Repeat("k", apikey.MaxKeyBytes)
	tooLong = longest + "k"
	never   time.Time
)

func testCatalog(t testing.TB) *catalog.Catalog {
	t.Helper()
	long := func(text, id string) catalog.Key {
		return catalog.Key{ID: id, SHA256: sha256.Sum256([]byte(text)), Status: catalog.Approved}
	}
	c, problems := catalog.New(
		[]catalog.API{{Name: "customers", Version: "v1", BasePath: "/customers/v1"}, {Name: "other", Version: "v1", BasePath: "/other"}},
		[]catalog.Product{
			{Name: "others", APIs: []catalog.ProductAPI{{Name: "other"}}},
			{Name: "portal", Scopes: []string{"customers.read"}, APIs: []catalog.ProductAPI{{
				Name: "customers", Version: "v1",
				Operations: []catalog.Operation{{Path: "/orders/**", Methods: []string{"GET"}}},
			}}},
		},
		[]catalog.App{
			{Name: "shop", Developer: "dev@example.com", Status: catalog.Approved, Products: []string{"others", "portal"},
				TokenClients: []string{"0oa1"}, Keys: []catalog.Key{
					key("good", catalog.Approved, never),
					key("with space+plus", catalog.Approved, never),
					key("a=b", catalog.Approved, never),
					key("100%", catalog.Approved, never),
					key("later", catalog.Approved, now.Add(time.Second)),
					key("expired", catalog.Approved, now),
					key("pending", catalog.Pending, never),
					key("revoked", catalog.Revoked, never),
					key("no-status", catalog.NotApproved, never),
					key("revoked-expired", catalog.Revoked, now.Add(-time.Hour)),
					long(longest, "longest"), long(tooLong, "too-long"),
				}},
			{Name: "stopped", Developer: "dev@example.com", Status: catalog.Revoked, Products: []string{"portal"}, Keys: []catalog.Key{
				key("stopped-good", catalog.Approved, never),
				key("stopped-expired", catalog.Approved, now.Add(-time.Hour)),
				key("stopped-revoked", catalog.Revoked, never),
			}},
			{Name: "unstated", Developer: "dev@example.com", Products: []string{"portal"}, Keys: []catalog.Key{
				key("unstated-good", catalog.Approved, never),
			}},
			{Name: "elsewhere", Developer: "dev@example.com", Status: catalog.Approved, Products: []string{"others"}, Keys: []catalog.Key{
				key("elsewhere-good", catalog.Approved, never),
			}},
			{Name: "without", Developer: "dev@example.com", Status: catalog.Approved, Keys: []catalog.Key{
				key("without-products", catalog.Approved, never),
			}},
		})
	if len(problems) > 0 {
		t.Fatalf("catalog: %v", problems)
	}
	return c
}

// call is a GET of /orders/7 below the API customers.
func call(query string, headers ...string) *pipeline.Exchange {
	x := &pipeline.Exchange{
		Method: "GET", Path: "/customers/v1/orders/7", Query: query, HasQuery: query != "", Now: now.UnixNano(),
		API: pipeline.API{Name: "customers", Version: "v1", PathSuffix: "/orders/7"},
	}
	for i := 0; i < len(headers); i += 2 {
		x.Headers = append(x.Headers, host.Header{Name: headers[i], Value: headers[i+1]})
	}
	return x
}

var places = []policy.Place{{Header: "x-api-key"}, {Query: "apikey"}, {Header: "x-old-key"}, {Query: "a key"}}

func wantReason(t *testing.T, s pipeline.Step, x *pipeline.Exchange, want denial.Reason) {
	t.Helper()
	d, denied := s.Apply(x).Denial()
	if !denied || d.Reason != want {
		t.Errorf("denied %v for %v, want denied for %v", denied, d.Reason, want)
	}
	if diff := cmp.Diff(pipeline.Caller{}, x.Caller); diff != "" {
		t.Errorf("a refused request has a caller (-want +got):\n%s", diff)
	}
}

func TestVerifyAdmits(t *testing.T) {
	for _, tt := range []struct {
		name string
		x    *pipeline.Exchange
		key  string
	}{
		{"header", call("", "x-api-key", "good"), "good"},
		{"second header place", call("", "x-old-key", "good"), "good"},
		{"blanks around the header's value", call("", "x-api-key", " \tgood\t "), "good"},
		{"query", call("apikey=good"), "good"},
		{"query among others", call("a=1&apikey=good&&b"), "good"},
		{"encoded name and value", call("%61pi%6Bey=g%6f%6Fd"), "good"},
		{"plus in a name", call("a+key=good"), "good"},
		{"blank and plus in a value", call("apikey=with+space%2Bplus"), "with space+plus"},
		{"equals sign in a value", call("apikey=a=b"), "a=b"},
		{"malformed escape stands for itself", call("apikey=100%"), "100%"},
		{"escaped percent sign", call("apikey=100%25"), "100%"},
		{"expires a second later", call("", "x-api-key", "later"), "later"},
		{"as long as can be", call("", "x-api-key", longest), "longest"},
		{"as long as can be, all escaped", call("apikey=" + strings.Repeat("%6b", apikey.MaxKeyBytes)), "longest"},
		{"other letter case of a parameter is another parameter", call("APIKEY=other&apikey=good"), "good"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if o := apikey.NewVerify(testCatalog(t), places).Apply(tt.x); !o.Continues() {
				d, _ := o.Denial()
				t.Fatalf("refused for %v", d.Reason)
			}
			want := pipeline.Caller{App: "shop", Developer: "dev@example.com", Product: "portal", KeyID: tt.key,
				TokenClients: []string{"0oa1"}, ProductScopes: []string{"customers.read"}}
			if diff := cmp.Diff(want, tt.x.Caller); diff != "" {
				t.Errorf("caller (-want +got):\n%s", diff)
			}
			if tt.x.Edits.QueryChanged || len(tt.x.Edits.Remove) > 0 {
				t.Error("verifying edits the request; that is the next step's")
			}
		})
	}
}

func TestVerifyRefuses(t *testing.T) {
	with := func(x *pipeline.Exchange, change func(*pipeline.Exchange)) *pipeline.Exchange {
		change(x)
		return x
	}
	for _, tt := range []struct {
		name string
		x    *pipeline.Exchange
		want denial.Reason
	}{
		{"nothing", call(""), denial.APIKeyMissing},
		{"other headers and parameters", call("key=good&xapikey=good&apikeyx=good", "x-api", "good"), denial.APIKeyMissing},
		{"a name in the value of another", call("a=apikey=good"), denial.APIKeyMissing},
		{"an encoded separator is none", call("a=1%26apikey%3Dgood"), denial.APIKeyMissing},
		{"semicolons separate nothing", call("a=1;apikey=good"), denial.APIKeyMissing},

		{"header twice", call("", "x-api-key", "good", "x-api-key", "good"), denial.APIKeyAmbiguous},
		{"header twice, once empty", call("", "x-api-key", "good", "x-api-key", ""), denial.APIKeyAmbiguous},
		{"two header places", call("", "x-api-key", "good", "x-old-key", "good"), denial.APIKeyAmbiguous},
		{"header and query", call("apikey=good", "x-api-key", "good"), denial.APIKeyAmbiguous},
		{"header and empty parameter", call("apikey", "x-api-key", "good"), denial.APIKeyAmbiguous},
		{"query twice", call("apikey=good&apikey=good"), denial.APIKeyAmbiguous},
		{"query twice, once encoded", call("apikey=good&apike%79=other"), denial.APIKeyAmbiguous},
		{"two query places", call("apikey=good&a+key=good"), denial.APIKeyAmbiguous},

		{"empty header", call("", "x-api-key", ""), denial.APIKeyUnknown},
		{"blank header", call("", "x-api-key", " \t "), denial.APIKeyUnknown},
		{"empty parameter", call("apikey="), denial.APIKeyUnknown},
		{"parameter without a value", call("a&apikey"), denial.APIKeyUnknown},
		{"unknown", call("", "x-api-key", "nobody's"), denial.APIKeyUnknown},
		{"other letter case", call("", "x-api-key", "GOOD"), denial.APIKeyUnknown},
		{"two keys in one line", call("", "x-api-key", "good, good"), denial.APIKeyUnknown},
		{"blanks around a parameter's value", call("apikey=+good"), denial.APIKeyUnknown},
		{"the key's own hash", call("", "x-api-key", fmt.Sprintf("%x", sha256.Sum256([]byte("good")))), denial.APIKeyUnknown},
		{"too long, although known", call("", "x-api-key", tooLong), denial.APIKeyUnknown},
		{"too long a parameter, although known", call("apikey=" + tooLong), denial.APIKeyUnknown},
		{"too long a parameter to decode", call("apikey=" + strings.Repeat("%6b", apikey.MaxKeyBytes+1)), denial.APIKeyUnknown},

		{"pending", call("", "x-api-key", "pending"), denial.APIKeyNotApproved},
		{"revoked", call("", "x-api-key", "revoked"), denial.APIKeyNotApproved},
		{"no status", call("", "x-api-key", "no-status"), denial.APIKeyNotApproved},
		{"status before expiry", call("", "x-api-key", "revoked-expired"), denial.APIKeyNotApproved},
		{"key's status before app's", call("", "x-api-key", "stopped-revoked"), denial.APIKeyNotApproved},
		{"expires now", call("", "x-api-key", "expired"), denial.APIKeyExpired},
		{"expiry before app's status", call("", "x-api-key", "stopped-expired"), denial.APIKeyExpired},
		{"app revoked", call("", "x-api-key", "stopped-good"), denial.AppNotApproved},
		{"app without status", call("", "x-api-key", "unstated-good"), denial.AppNotApproved},
		{"app's status before the grant", with(call("", "x-api-key", "stopped-good"), func(x *pipeline.Exchange) { x.Method = "PUT" }), denial.AppNotApproved},

		{"another app's product", call("", "x-api-key", "elsewhere-good"), denial.APIKeyNotGranted},
		{"app without products", call("", "x-api-key", "without-products"), denial.APIKeyNotGranted},
		{"method", with(call("", "x-api-key", "good"), func(x *pipeline.Exchange) { x.Method = "POST" }), denial.APIKeyNotGranted},
		{"method in other letter case", with(call("", "x-api-key", "good"), func(x *pipeline.Exchange) { x.Method = "get" }), denial.APIKeyNotGranted},
		{"path", with(call("", "x-api-key", "good"), func(x *pipeline.Exchange) { x.API.PathSuffix = "/orders" }), denial.APIKeyNotGranted},
		{"version", with(call("", "x-api-key", "good"), func(x *pipeline.Exchange) { x.API.Version = "v2" }), denial.APIKeyNotGranted},
		{"no API", with(call("", "x-api-key", "good"), func(x *pipeline.Exchange) { x.API = pipeline.API{} }), denial.APIKeyNotGranted},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantReason(t, apikey.NewVerify(testCatalog(t), places), tt.x, tt.want)
		})
	}
}

func TestMissingKeyText(t *testing.T) {
	for _, tt := range []struct {
		name   string
		places []policy.Place
		want   string
	}{
		{"header", []policy.Place{{Header: "x-api-key"}, {Query: "apikey"}}, "Failed to resolve API Key variable request.header.x-api-key"},
		{"query", []policy.Place{{Query: "apikey"}, {Header: "x-api-key"}}, "Failed to resolve API Key variable request.queryparam.apikey"},
		{"no place", nil, ""},
		{"a place that says nothing", []policy.Place{{}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := apikey.NewVerify(testCatalog(t), tt.places).Apply(call("=good&a")).Denial()
			if diff := cmp.Diff(denial.Denial{Reason: denial.APIKeyMissing, Text: tt.want}, got); diff != "" {
				t.Errorf("denial (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlaceListedTwiceIsOnePlace(t *testing.T) {
	twice := []policy.Place{{Header: "x-api-key"}, {Query: "apikey"}, {Header: "x-api-key"}, {Query: "apikey"}}
	for _, x := range []*pipeline.Exchange{call("", "x-api-key", "good"), call("apikey=good")} {
		if !apikey.NewVerify(testCatalog(t), twice).Apply(x).Continues() {
			t.Error("one key was taken for two")
		}
	}
}

// In dry run the refusal is recorded and no caller is known.
func TestVerifyInDryRunKnowsNobody(t *testing.T) {
	x := call("", "x-api-key", "expired")
	if !pipeline.DryRun(apikey.NewVerify(testCatalog(t), places)).Apply(x).Continues() {
		t.Error("refused in dry run")
	}
	if diff := cmp.Diff([]denial.Reason{denial.APIKeyExpired}, x.DryRun); diff != "" || x.Caller.App != "" {
		t.Errorf("caller %q, recorded (-want +got):\n%s", x.Caller.App, diff)
	}
}

func BenchmarkVerify(b *testing.B) {
	s := apikey.NewVerify(testCatalog(b), places)
	for _, bb := range []struct {
		name string
		x    *pipeline.Exchange
	}{
		{"header", call("page=2&size=50", "accept", "*/*", "x-api-key", "good", "user-agent", "bench")},
		{"query", call("page=2&apikey=good&size=50", "accept", "*/*")},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !s.Apply(bb.x).Continues() {
					b.Fatal("refused")
				}
			}
		})
	}
}
