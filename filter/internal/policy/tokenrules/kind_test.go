package tokenrules

import (
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/filter/internal/fault"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

func TestTokenKindWords(t *testing.T) {
	for word, want := range map[string]string{
		"access": "access", "ACCESS_TOKEN": "access", "AccessToken": "access", "access-token": "access", "at": "access", "at+jwt": "access",
		"application/at+jwt": "access", "bearer": "access", "Bearer": "access", "urn:ietf:params:oauth:token-type:access_token": "access",
		"refresh": "other", "refresh_token": "other", "Refresh": "other", "RefreshToken": "other", "Offline": "other", "ID": "other",
		"id_token": "other", "Logout": "other", "logout+jwt": "other", "urn:ietf:params:oauth:token-type:id_token": "other",
		"authorization_code": "other", "device_code": "other",
		"": "", "access token": "", "Bearer ": "", "accesss": "", "dpop": "", "jwt": "", "idx": "", "премія": "",
		"urn:example:access_token": "", "access" + strings.Repeat("_", maxWordBytes): "",
	} {
		got := ""
		switch access, other := SaysAccess(word), SaysOther(word); {
		case access && other:
			got = "both"
		case access:
			got = "access"
		case other:
			got = "other"
		}
		if got != want {
			t.Errorf("%q says %q, want %q", word, got, want)
		}
	}
}

func TestTokenKindRequiredType(t *testing.T) {
	for tokenType, good := range map[string]bool{"": false, "Bearer": true, "access_token": true, "refresh_token": false} {
		x := admissible()
		x.Token.TokenType = tokenType
		o := strict()
		o.TypeRequired = true
		wantEither(t, "type "+tokenType, New(o).Apply(x), good, fault.TokenTypeUnsupported)
	}
}

func TestTokenKindOfClaims(t *testing.T) {
	x := admissible()
	x.Token.OtherKind = true
	wantDenied(t, New(strict()).Apply(x), fault.Denial{Reason: fault.TokenTypeUnsupported})
}

func TestOfCaller(t *testing.T) {
	wantContinued(t, OfCaller(admissible()))
	for name, tt := range map[string]struct {
		change func(*pipeline.Exchange)
		want   fault.Reason
	}{
		"no token":          {func(x *pipeline.Exchange) { x.Token = nil }, fault.Internal},
		"another client":    {func(x *pipeline.Exchange) { x.Token.ClientID = "stranger" }, fault.TokenClientNotBound},
		"no client":         {func(x *pipeline.Exchange) { x.Token.ClientID = "" }, fault.TokenClientNotBound},
		"no product scope":  {func(x *pipeline.Exchange) { x.Token.Scopes = []string{"orders.read"} }, fault.TokenScopeInsufficient},
		"neither fits":      {func(x *pipeline.Exchange) { x.Token.ClientID, x.Token.Scopes = "x", nil }, fault.TokenClientNotBound},
		"no scopes at all":  {func(x *pipeline.Exchange) { x.Token.Scopes = nil }, fault.TokenScopeInsufficient},
		"an expired token ": {func(x *pipeline.Exchange) { x.Token.Scopes, x.Token.Expires = nil, 1 }, fault.TokenScopeInsufficient},
	} {
		x := admissible()
		tt.change(x)
		t.Run(name, func(t *testing.T) { wantDenied(t, OfCaller(x), fault.Denial{Reason: tt.want}) })
	}
}
