package apikey_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/apikey"
)

func TestRemove(t *testing.T) {
	headers := []string{"x-api-key"} // the one that call sends
	for _, tt := range []struct {
		name, query string
		want        pipeline.Edits
	}{
		{"no query", "", pipeline.Edits{Remove: headers}},
		{"other parameters", "a=1&b=%zz&&c", pipeline.Edits{Remove: headers}},
		{"similar parameters", "apikeyx=1&xapikey=2&APIKEY=3&apikey%20=4", pipeline.Edits{Remove: headers}},
		{"the only one", "apikey=K", pipeline.Edits{Remove: headers, QueryChanged: true}},
		{"first", "apikey=K&a=1", pipeline.Edits{Remove: headers, QueryChanged: true, Query: "a=1"}},
		{"middle", "a=1&apikey=K&b=2", pipeline.Edits{Remove: headers, QueryChanged: true, Query: "a=1&b=2"}},
		{"last", "a=1&apikey=K", pipeline.Edits{Remove: headers, QueryChanged: true, Query: "a=1"}},
		{"all of them, in every place", "apikey=K&a=1&apikey&a+key=L&apikey=", pipeline.Edits{Remove: headers, QueryChanged: true, Query: "a=1"}},
		{"encoded names", "%61pikey=K&a%20key=L&a=1&apike%79", pipeline.Edits{Remove: headers, QueryChanged: true, Query: "a=1"}},
		{"the rest stays as it was", "%61=%2f+%zz&&apikey=K&b==&=c&", pipeline.Edits{Remove: headers, QueryChanged: true, Query: "%61=%2f+%zz&&b==&=c&"}},
		{"between semicolons", "a=1;apikey=K;b=2&c=3", pipeline.Edits{Remove: headers, QueryChanged: true, Query: "a=1;b=2&c=3"}},
		{"after a semicolon, encoded", "a=1;apike%79=K", pipeline.Edits{Remove: headers, QueryChanged: true, Query: "a=1"}},
		{"nothing but a semicolon left", "a=1&;apikey=K&b=2", pipeline.Edits{Remove: headers, QueryChanged: true, Query: "a=1&b=2"}},
		{"a semicolon may be part of the key", "apikey=K;EY&a=1", pipeline.Edits{Remove: headers, QueryChanged: true, Query: "a=1"}},
		{"only separators left", "&apikey=K&", pipeline.Edits{Remove: headers, QueryChanged: true, Query: "&"}},
		{"in the value of another", "a=apikey=K", pipeline.Edits{Remove: headers}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := call(tt.query, "x-api-key", "K", "accept", "*/*")
			if !apikey.NewRemove(places).Apply(x).Continues() {
				t.Fatal("refused")
			}
			if diff := cmp.Diff(tt.want, x.Edits); diff != "" {
				t.Errorf("edits (-want +got):\n%s", diff)
			}
		})
	}
}

// Every byte that may stand in a name (RFC 9110 section 5.6.2) and is neither
// letter nor digit.
const separators = "!#$%&'*+-.^_`|~"

func TestForgedIdentityKeyHeaderInAnySpelling(t *testing.T) {
	for _, c := range separators {
		for _, name := range []string{"x" + string(c) + "api-key", "x-api" + string(c) + "key", "X" + string(c) + "API" + string(c) + "KEY"} {
			x := call("", name, "K", "x-apikey", "stays", "x-api-key-2", "stays")
			if !apikey.NewRemove(places).Apply(x).Continues() {
				t.Fatal("refused")
			}
			if diff := cmp.Diff(pipeline.Edits{Remove: []string{name}}, x.Edits); diff != "" {
				t.Errorf("%s: edits (-want +got):\n%s", name, diff)
			}
			if c != '-' {
				wantReason(t, apikey.NewVerify(nil, places), x, denial.APIKeyMissing)
			}
		}
	}
}

func TestRemoveGoesOnFromEarlierEdits(t *testing.T) {
	x := call("apikey=K&token=T&a=1")
	for _, name := range []string{"apikey", "token"} {
		if !apikey.NewRemove([]policy.Place{{Query: name}}).Apply(x).Continues() {
			t.Fatal("refused")
		}
	}
	if want := (pipeline.Edits{Query: "a=1", QueryChanged: true}); !cmp.Equal(want, x.Edits) {
		t.Errorf("edits %+v, want %+v", x.Edits, want)
	}
}

func TestRemoveWithoutPlacesChangesNothing(t *testing.T) {
	x := call("a=1&=2&&b", "x-api-key", "K")
	if !apikey.NewRemove([]policy.Place{{}}).Apply(x).Continues() {
		t.Fatal("refused")
	}
	if diff := cmp.Diff(pipeline.Edits{}, x.Edits); diff != "" {
		t.Errorf("edits (-want +got):\n%s", diff)
	}
}

func TestNames(t *testing.T) {
	if got := apikey.NewVerify(nil, nil).Name(); got != "verify_api_key" {
		t.Errorf("verify is called %q", got)
	}
	if got := apikey.NewRemove(nil).Name(); got != "remove_api_key" {
		t.Errorf("remove is called %q", got)
	}
}

func BenchmarkRemove(b *testing.B) {
	s := apikey.NewRemove(places)
	for _, bb := range []struct{ name, query string }{
		{"absent", "page=2&size=50&sort=name"},
		{"present", "page=2&apikey=good&size=50"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			x := call(bb.query)
			for b.Loop() {
				x.Edits = pipeline.Edits{}
				s.Apply(x)
			}
		})
	}
}
