package tokenrules

import (
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

func TestTokenKindWords(t *testing.T) {
	for word, want := range map[string]Kind{
		"access": AccessKind, "ACCESS_TOKEN": AccessKind, "AccessToken": AccessKind, "access-token": AccessKind, "at": AccessKind, "at+jwt": AccessKind,
		"application/at+jwt": AccessKind, "bearer": AccessKind, "Bearer": AccessKind, "urn:ietf:params:oauth:token-type:access_token": AccessKind,
		"refresh": OtherKind, "refresh_token": OtherKind, "Refresh": OtherKind, "RefreshToken": OtherKind, "Offline": OtherKind, "ID": OtherKind,
		"id_token": OtherKind, "Logout": OtherKind, "logout+jwt": OtherKind, "urn:ietf:params:oauth:token-type:id_token": OtherKind,
		"authorization_code": OtherKind, "device_code": OtherKind,
		"dpop": DPoPKind, "DPoP": DPoPKind, "JWT": JWTKind, "application/jwt": JWTKind,
		"": UnknownKind, "access token": UnknownKind, "Bearer ": UnknownKind, "accesss": UnknownKind, "idx": UnknownKind, "премія": UnknownKind,
		"urn:example:access_token": UnknownKind, "access" + strings.Repeat("_", maxWordBytes): UnknownKind,
	} {
		if got := KindOf(word); got != want {
			t.Errorf("%q is of kind %d, want %d", word, got, want)
		}
	}
}

func TestTokenKindRequiredType(t *testing.T) {
	for tokenType, good := range map[string]bool{"": false, "Bearer": true, "access_token": true, "refresh_token": false} {
		x := admissible()
		x.Token.TokenType = tokenType
		o := strict()
		o.TypeRequired = true
		wantEither(t, "type "+tokenType, New(o).Apply(x), good, denial.TokenTypeUnsupported)
	}
}

func TestTokenKindOfClaims(t *testing.T) {
	x := admissible()
	x.Token.OtherKind = true
	wantDenied(t, New(strict()).Apply(x), denial.Denial{Reason: denial.TokenTypeUnsupported})
}

func TestOfCaller(t *testing.T) {
	wantContinued(t, OfCaller(admissible()))
	for name, tt := range map[string]struct {
		change func(*pipeline.Exchange)
		want   denial.Reason
	}{
		"no token":          {func(x *pipeline.Exchange) { x.Token = nil }, denial.Internal},
		"another client":    {func(x *pipeline.Exchange) { x.Token.ClientID = "stranger" }, denial.TokenClientNotBound},
		"no client":         {func(x *pipeline.Exchange) { x.Token.ClientID = "" }, denial.TokenClientNotBound},
		"no product scope":  {func(x *pipeline.Exchange) { x.Token.Scopes = []string{"orders.read"} }, denial.TokenScopeInsufficient},
		"neither fits":      {func(x *pipeline.Exchange) { x.Token.ClientID, x.Token.Scopes = "x", nil }, denial.TokenClientNotBound},
		"no scopes at all":  {func(x *pipeline.Exchange) { x.Token.Scopes = nil }, denial.TokenScopeInsufficient},
		"an expired token ": {func(x *pipeline.Exchange) { x.Token.Scopes, x.Token.Expires = nil, 1 }, denial.TokenScopeInsufficient},
	} {
		x := admissible()
		tt.change(x)
		t.Run(name, func(t *testing.T) { wantDenied(t, OfCaller(x), denial.Denial{Reason: tt.want}) })
	}
}
