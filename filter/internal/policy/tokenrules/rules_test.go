package tokenrules

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 500_000_000, time.UTC)

func strict() Options {
	return Options{
		Issuer:    "https://idp.example/oauth2/default",
		Audience:  []string{"api://default", "api://orders"},
		ClientIDs: []string{"portal", "batch"},
		Scopes:    []string{"orders.read", "orders.list"},
	}
}

// admissible is an exchange that every rule of strict lets pass.
func admissible() *pipeline.Exchange {
	return &pipeline.Exchange{
		Now: now.UnixNano(),
		Caller: pipeline.Caller{
			App:           "global-customer-portal",
			TokenClients:  []string{"portal"},
			ProductScopes: []string{"customers.write", "customers.read"},
		},
		Token: &pipeline.Claims{
			Active:    true,
			Expires:   now.Unix() + 300,
			NotBefore: now.Unix() - 300,
			Issuer:    "https://idp.example/oauth2/default",
			Audience:  []string{"api://other", "api://orders"},
			ClientID:  "portal",
			Subject:   "alice",
			Scopes:    []string{"orders.list", "customers.read", "orders.read"},
			TokenType: "Bearer",
		},
	}
}

// faults breaks one rule each, in the order in which the rules are checked.
var faults = []struct {
	reason denial.Reason
	breaks func(*pipeline.Exchange)
}{
	{denial.TokenTypeUnsupported, func(x *pipeline.Exchange) { x.Token.TokenType = "DPoP" }},
	{denial.TokenSenderConstrained, func(x *pipeline.Exchange) { x.Token.SenderConstrained = true }},
	{denial.TokenInactive, func(x *pipeline.Exchange) { x.Token.Active = false }},
	{denial.TokenExpired, func(x *pipeline.Exchange) { x.Token.Expires = now.Unix() - 1 }},
	{denial.TokenNotYetValid, func(x *pipeline.Exchange) { x.Token.NotBefore = now.Unix() + 10 }},
	{denial.TokenIssuerMismatch, func(x *pipeline.Exchange) { x.Token.Issuer += "/" }},
	{denial.TokenAudienceMismatch, func(x *pipeline.Exchange) { x.Token.Audience = []string{"api://other"} }},
	{denial.TokenClientMismatch, func(x *pipeline.Exchange) {
		x.Token.ClientID = "stranger"
		x.Caller.TokenClients = []string{"stranger"}
	}},
	{denial.TokenClientNotBound, func(x *pipeline.Exchange) { x.Caller.TokenClients = []string{"another"} }},
	{denial.TokenScopeInsufficient, func(x *pipeline.Exchange) { x.Token.Scopes = []string{"customers.read", "orders.read"} }},
}

func TestEachSetOfBrokenRulesIsRefusedForTheFirst(t *testing.T) {
	step := New(strict())
	for set := range 1 << len(faults) {
		x := admissible()
		want, broken := denial.Internal, false
		for i, f := range faults {
			if set&(1<<i) == 0 {
				continue
			}
			f.breaks(x)
			if !broken {
				want, broken = f.reason, true
			}
		}
		outcome := step.Apply(x)
		if !broken {
			if !outcome.Continues() {
				t.Fatalf("no rule broken: refused")
			}
			continue
		}
		if d, refused := outcome.Denial(); !refused || d.Reason != want {
			t.Fatalf("set %010b: got %v (refused %v), want %v", set, d.Reason, refused, want)
		}
	}
}

func TestWithoutClaimsTheFaultIsOurs(t *testing.T) {
	x := admissible()
	x.Token = nil
	for _, o := range []Options{{}, strict()} {
		wantDenied(t, New(o).Apply(x), denial.Denial{Reason: denial.Internal})
	}
}

func TestActiveIsEnoughWithoutFurtherRules(t *testing.T) {
	step := New(Options{})
	x := &pipeline.Exchange{Now: now.UnixNano(), Token: &pipeline.Claims{Active: true}}
	wantContinued(t, step.Apply(x))
	x.Token.Active = false
	wantDenied(t, step.Apply(x), denial.Denial{Reason: denial.TokenInactive})
}

func TestTokenType(t *testing.T) {
	for tokenType, good := range map[string]bool{
		"": true, "Bearer": true, "bearer": true, "BEARER": true,
		"Bearer ": false, "refresh_token": false, "id_token": false, "DPoP": false, "N_A": false,
	} {
		x := admissible()
		x.Token.TokenType = tokenType
		wantEither(t, "type "+tokenType, New(strict()).Apply(x), good, denial.TokenTypeUnsupported)
	}
}

func TestTimes(t *testing.T) {
	at := now.Unix() // now is half a second later
	tests := []struct {
		name               string
		expires, notBefore int64
		skew               time.Duration
		reason             denial.Reason // Internal: continues
	}{
		{name: "no exp, no nbf"},
		{name: "exp in a second", expires: at + 1},
		{name: "exp this second", expires: at, reason: denial.TokenExpired},
		{name: "exp long ago", expires: 1, reason: denial.TokenExpired},
		{name: "exp negative", expires: -1, reason: denial.TokenExpired},
		{name: "exp far", expires: 253402300799},
		{name: "exp far with skew", expires: 253402300799, skew: MaxSkew},
		{name: "exp within the skew", expires: at - 1, skew: 2 * time.Second},
		{name: "exp at the end of the skew", expires: at - 1, skew: 1500 * time.Millisecond, reason: denial.TokenExpired},
		{name: "exp just before the end of the skew", expires: at - 1, skew: 1501 * time.Millisecond},
		{name: "skew is not negative", expires: at + 1, skew: -time.Hour},
		{name: "skew is bounded", expires: at - 301, skew: time.Hour, reason: denial.TokenExpired},
		{name: "nbf this second", notBefore: at},
		{name: "nbf in a second", notBefore: at + 1, reason: denial.TokenNotYetValid},
		{name: "nbf within the skew", notBefore: at + 1, skew: 500 * time.Millisecond},
		{name: "nbf beyond the skew", notBefore: at + 1, skew: 499 * time.Millisecond, reason: denial.TokenNotYetValid},
		{name: "nbf beyond the bound of the skew", notBefore: at + 301, skew: time.Hour, reason: denial.TokenNotYetValid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := admissible()
			x.Token.Expires, x.Token.NotBefore = tt.expires, tt.notBefore
			o := strict()
			o.Skew = tt.skew
			wantEither(t, tt.name, New(o).Apply(x), tt.reason == denial.Internal, tt.reason)
		})
	}
}

func TestLists(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Options, *pipeline.Exchange)
		reason denial.Reason // Internal: continues
	}{
		{"issuer not configured", func(o *Options, x *pipeline.Exchange) { o.Issuer = ""; x.Token.Issuer = "anyone" }, 0},
		{"issuer absent from the token", func(o *Options, x *pipeline.Exchange) { x.Token.Issuer = "" }, denial.TokenIssuerMismatch},
		{"issuer in other letters", func(o *Options, x *pipeline.Exchange) { x.Token.Issuer = strings.ToUpper(x.Token.Issuer) }, denial.TokenIssuerMismatch},
		{"audience not configured", func(o *Options, x *pipeline.Exchange) { o.Audience = nil; x.Token.Audience = nil }, 0},
		{"audience absent from the token", func(o *Options, x *pipeline.Exchange) { x.Token.Audience = nil }, denial.TokenAudienceMismatch},
		{"audience only begins alike", func(o *Options, x *pipeline.Exchange) { x.Token.Audience = []string{"api://orders2"} }, denial.TokenAudienceMismatch},
		{"clients not configured", func(o *Options, x *pipeline.Exchange) { o.ClientIDs = nil }, 0},
		{"client absent from the token", func(o *Options, x *pipeline.Exchange) { x.Token.ClientID = "" }, denial.TokenClientMismatch},
		{"absent client is not an empty one", func(o *Options, x *pipeline.Exchange) { o.ClientIDs = []string{""}; x.Token.ClientID = "" }, denial.TokenClientMismatch},
		{"app not bound", func(o *Options, x *pipeline.Exchange) { x.Caller.TokenClients = nil }, 0},
		{"bound app, no client in the token", func(o *Options, x *pipeline.Exchange) { o.ClientIDs = nil; x.Token.ClientID = "" }, denial.TokenClientNotBound},
		{"step wants no scopes", func(o *Options, x *pipeline.Exchange) { o.Scopes = nil; x.Token.Scopes = []string{"customers.write"} }, 0},
		{"product wants no scopes", func(o *Options, x *pipeline.Exchange) { x.Caller.ProductScopes = nil }, 0},
		{"none of the product's scopes", func(o *Options, x *pipeline.Exchange) { x.Caller.ProductScopes = []string{"x", "y"} }, denial.TokenScopeInsufficient},
		{"scope in other letters", func(o *Options, x *pipeline.Exchange) { o.Scopes = []string{"Orders.read"} }, denial.TokenScopeInsufficient},
		{"token without scopes", func(o *Options, x *pipeline.Exchange) { x.Token.Scopes = nil }, denial.TokenScopeInsufficient},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, x := strict(), admissible()
			tt.change(&o, x)
			wantEither(t, tt.name, New(o).Apply(x), tt.reason == denial.Internal, tt.reason)
		})
	}
}

func TestScopeRefusalListsTheStepsScopes(t *testing.T) {
	tests := []struct {
		name   string
		scopes []string
		want   string
	}{
		{"all of the step's", []string{"orders.read", "orders.list"}, "orders.read orders.list"},
		{"only the product's are missing", nil, ""},
		{"a quote", []string{"orders.read", `a"b`}, ""},
		{"a line end", []string{"a\r\nset-cookie: x"}, ""},
		{"a blank", []string{"a b"}, ""},
		{"not ascii", []string{"größe"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := admissible()
			x.Token.Scopes = []string{"profile"}
			o := strict()
			o.Scopes = tt.scopes
			wantDenied(t, New(o).Apply(x), denial.Denial{Reason: denial.TokenScopeInsufficient, Scope: tt.want})
		})
	}
}

func TestOptionsAreCopied(t *testing.T) {
	o := strict()
	step := New(o)
	o.Audience[0], o.Audience[1] = "changed", "changed"
	o.ClientIDs[0], o.ClientIDs[1] = "changed", "changed"
	o.Scopes[0] = "changed"
	wantContinued(t, step.Apply(admissible()))
}

func wantContinued(t *testing.T, o pipeline.Outcome) {
	t.Helper()
	if !o.Continues() {
		d, _ := o.Denial()
		t.Fatalf("refused for %v, want continue", d.Reason)
	}
}

func wantDenied(t *testing.T, o pipeline.Outcome, want denial.Denial) {
	t.Helper()
	got, refused := o.Denial()
	if !refused {
		t.Fatalf("not refused, want %v", want.Reason)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("denial (-want +got):\n%s", diff)
	}
}

func wantEither(t *testing.T, name string, o pipeline.Outcome, good bool, reason denial.Reason) {
	t.Helper()
	d, refused := o.Denial()
	if refused == good || refused && d.Reason != reason {
		t.Errorf("%s: refused %v for %v, want refused %v for %v", name, refused, d.Reason, !good, reason)
	}
}

func BenchmarkRequireToken(b *testing.B) {
	step, x := New(strict()), admissible()
	b.ReportAllocs()
	for b.Loop() {
		if !step.Apply(x).Continues() {
			b.Fatal("refused")
		}
	}
}
