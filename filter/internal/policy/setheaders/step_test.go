package setheaders

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport-gateway/sallyport/filter/internal/condition"
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline/pipelinetest"
)

func known() *pipeline.Exchange {
	x := &pipeline.Exchange{
		Client: pipelinetest.From("[2001:DB8::7]:4711"),
		Caller: pipeline.Caller{App: "shop", AppAttributes: map[string]string{"tier": "gold", "odd": "größe\r\nx-admin: 1"}, ProductAttributes: map[string]string{"plan": "basic"}},
	}
	x.TakeToken(&pipeline.Claims{Active: true, Subject: "jane\r\nx-admin: 1", Issuer: "https://issuer", Audience: []string{"a", "b"}, ClientID: "c", Scopes: []string{"r", "w"}})
	return x
}

func TestSetHeadersValues(t *testing.T) {
	all := New(Options{Set: []Setting{
		{"x-app", Literal, "value, as it stands"}, {"x-sub", Claim, "sub"}, {"x-iss", Claim, "iss"}, {"x-aud", Claim, "aud"}, {"x-client", Claim, "client_id"}, {"x-scope", Claim, "scope"},
		{"x-tier", AppAttribute, "tier"}, {"x-odd", AppAttribute, "odd"}, {"x-none", AppAttribute, "none"}, {"x-plan", ProductAttribute, "plan"}, {"x-ip", ClientIP, ""},
		{"x-no-claim", Claim, "email"}, {Name: "x-nothing", Of: "of"},
	}})
	x := known()
	if !all.Apply(x).Continues() {
		t.Fatal("refused")
	}
	want := []host.Header{
		{Name: "x-app", Value: "value, as it stands"}, {Name: "x-sub", Value: "jane%0D%0Ax-admin: 1"}, {Name: "x-iss", Value: "https://issuer"}, {Name: "x-aud", Value: "a b"}, {Name: "x-client", Value: "c"}, {Name: "x-scope", Value: "r w"},
		{Name: "x-tier", Value: "gold"}, {Name: "x-odd", Value: "gr%C3%B6%C3%9Fe%0D%0Ax-admin: 1"}, {Name: "x-plan", Value: "basic"}, {Name: "x-ip", Value: "2001:db8::7"},
	}
	if diff := cmp.Diff(want, x.Edits.Set); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	nobody := &pipeline.Exchange{}
	all.Apply(nobody)
	inactive := known()
	inactive.Caller, inactive.Client, inactive.Token.Active = pipeline.Caller{}, nil, false
	all.Apply(inactive)
	for _, x := range []*pipeline.Exchange{nobody, inactive} {
		if diff := cmp.Diff(want[:1], x.Edits.Set); diff != "" {
			t.Errorf("of a caller who is not known (-want +got):\n%s", diff)
		}
	}
}

// TestSetHeadersForged: what a client sends under a name that is set or removed never goes on, in no spelling, value or not.
func TestSetHeadersForged(t *testing.T) {
	s := New(Options{Set: []Setting{{"x-tier", AppAttribute, "tier"}}, Remove: []string{"x-internal", "authorization"}})
	const separators = "!#$%&'*+-.^_`|~"
	x := &pipeline.Exchange{Headers: []host.Header{{Name: ":path", Value: "/"}, {Name: "authorization", Value: "Bearer t"}, {Name: "x-tiers", Value: "1"}, {Name: "xtier", Value: "1"}}}
	want := []string{"authorization"}
	for _, c := range separators {
		for _, name := range []string{"x" + string(c) + "tier", "x" + string(c) + "internal"} {
			x.Headers = append(x.Headers, host.Header{Name: name, Value: "forged"}, host.Header{Name: name, Value: "again"})
			want = append(want, name)
		}
	}
	s.Apply(x)
	if diff := cmp.Diff(want, x.Edits.Remove); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	if len(x.Edits.Set) > 0 {
		t.Errorf("set %v", x.Edits.Set)
	}
}

// TestSetHeadersInTurn: the later step has the last word.
func TestSetHeadersInTurn(t *testing.T) {
	set := func(name, value string) pipeline.Step { return New(Options{Set: []Setting{{name, Literal, value}}}) }
	remove := func(name string) pipeline.Step { return New(Options{Remove: []string{name}}) }
	one := []host.Header{{Name: "x-a", Value: "1"}}
	for name, tt := range map[string]struct {
		steps []pipeline.Step
		want  []host.Header
	}{
		"set, set":                    {[]pipeline.Step{set("x-a", "0"), set("x-a", "1")}, one},
		"set, removed":                {[]pipeline.Step{set("x-a", "1"), remove("x-a")}, nil},
		"set, removed as another":     {[]pipeline.Step{set("x-a", "1"), remove("x_a")}, nil},
		"removed, set":                {[]pipeline.Step{remove("x-a"), set("x-a", "1")}, one},
		"set, another one":            {[]pipeline.Step{set("x-a", "1"), remove("x-b")}, one},
		"set and removed by one step": {[]pipeline.Step{New(Options{Set: []Setting{{"x-a", Literal, "1"}}, Remove: []string{"x-a"}})}, one},
		"nothing":                     {[]pipeline.Step{New(Options{})}, nil},
	} {
		x := &pipeline.Exchange{Headers: []host.Header{{Name: "x-a", Value: "client"}}}
		pipeline.NewSequence(tt.steps...).Begin().Advance(x, 1, nil)
		if diff := cmp.Diff(tt.want, x.Edits.Set, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestSetHeadersAllocatesLittle(t *testing.T) {
	s := New(Options{Set: []Setting{{"x-app", Literal, "v"}, {"x-client", Claim, "client_id"}, {"x-tier", AppAttribute, "tier"}}, Remove: []string{"x-" + strings.Repeat("a", 20)}})
	x := known()
	x.Headers = []host.Header{{Name: "x-app", Value: "forged"}, {Name: "accept", Value: "*/*"}}
	s.Apply(x)
	if n := testing.AllocsPerRun(100, func() {
		x.Edits.Set, x.Edits.Remove = x.Edits.Set[:0], x.Edits.Remove[:0]
		s.Apply(x)
	}); n > 0 {
		t.Errorf("%v objects", n)
	}
}

// TestSetHeadersSkipped: what a step says of app, product and token comes from no
// client, also where the step is not meant for the request. Other values may.
func TestSetHeadersSkipped(t *testing.T) {
	when := condition.Decode(decode.NewReader(nil), `{"method":"DELETE"}`)
	s := condition.Guard(New(Options{Set: []Setting{
		{Name: "x-tier", Source: AppAttribute, Of: "tier"}, {Name: "x-user", Source: Claim, Of: "sub"}, {Name: "x-real-ip", Source: ClientIP}, {Name: "accept", Source: Literal, Of: "*/*"},
	}, Remove: []string{"x-debug"}}), when)
	x := &pipeline.Exchange{Method: "GET", Headers: []host.Header{
		{Name: "x-tier", Value: "gold"}, {Name: "x_user", Value: "root"}, {Name: "x-real-ip", Value: "127.0.0.1"}, {Name: "accept", Value: "text/html"}, {Name: "x-debug", Value: "1"},
	}}
	x.Edits.SetHeader("x-tier", "by a step before")
	if o := s.Apply(x); !o.Continues() || !o.Skipped() {
		t.Fatal("the step was not left out")
	}
	if want := []string{"x-tier", "x_user"}; !slices.Equal(x.Edits.Remove, want) || len(x.Edits.Set) != 1 {
		t.Errorf("removed %q, want %q; set %v", x.Edits.Remove, want, x.Edits.Set)
	}
}
