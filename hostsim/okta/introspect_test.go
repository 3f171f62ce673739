package okta_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/okta"
)

const inactive = `{"active":false}`

func unix(t time.Time) json.Number { return json.Number(strconv.FormatInt(t.Unix(), 10)) }

func TestIntrospectUserToken(t *testing.T) {
	f := newFixture(t, func(c *okta.Config) { c.AccessTokenLifetime = 30 * time.Minute })
	token := f.issue(t, okta.TokenRequest{ClientID: portalID, User: userLogin, Scopes: []string{"openid", "customers.read"}})

	header, claims := payload(t, token)
	now := f.clock.Now()
	got := decode(t, f.introspect(t, token))
	if jti, _ := claims["jti"].(string); !strings.HasPrefix(jti, "AT.") {
		t.Errorf("jti is %v, want AT.…", claims["jti"])
	}
	wantDiff(t, map[string]any{
		"active": true, "scope": "openid customers.read", "client_id": portalID, "username": userLogin,
		"sub": userLogin, "uid": "00u1ada", "aud": "api://default", "iss": f.Issuer(), "token_type": "Bearer",
		"jti": claims["jti"], "iat": unix(now), "exp": unix(now.Add(30 * time.Minute)),
	}, got)
	wantDiff(t, map[string]any{
		"ver": json.Number("1"), "scp": []any{"openid", "customers.read"}, "cid": portalID,
		"sub": userLogin, "uid": "00u1ada", "aud": "api://default", "iss": f.Issuer(),
		"jti": claims["jti"], "iat": unix(now), "exp": unix(now.Add(30 * time.Minute)), "auth_time": unix(now),
	}, claims)
	if header["alg"] != "RS256" || header["kid"] == "" || header["typ"] != nil {
		t.Errorf("header is %v, want alg RS256 and a kid alone", header)
	}
}

func TestIntrospectClientTokenHasNoUser(t *testing.T) {
	f := newFixture(t)
	got := decode(t, f.introspect(t, f.issue(t, okta.TokenRequest{ClientID: serviceID, Scopes: []string{"customers.read"}})))
	for _, member := range []string{"uid", "username"} {
		if v, ok := got[member]; ok {
			t.Errorf("%s is %v, want it absent", member, v)
		}
	}
	if got["sub"] != serviceID || got["active"] != true {
		t.Errorf("answer is %v", got)
	}
}

func TestIntrospectInactive(t *testing.T) {
	f := newFixture(t)
	other := newFixture(t)
	good := f.issue(t, okta.TokenRequest{ClientID: portalID, User: userLogin})
	for name, token := range map[string]string{
		"expired":       f.issue(t, okta.TokenRequest{ClientID: portalID, User: userLogin, Lifetime: -time.Second}),
		"of other org":  other.issue(t, okta.TokenRequest{ClientID: portalID, User: userLogin}),
		"bad signature": good[:strings.LastIndexByte(good, '.')+1] + strings.Repeat("A", 342),
		"not a JWT":     "opaque",
		"alg none":      "eyJhbGciOiJub25lIn0.e30.",
	} {
		t.Run(name, func(t *testing.T) { wantDiff(t, inactive, f.introspect(t, token)) })
	}
}

func TestExpiryFollowsTheOrgsClock(t *testing.T) {
	f := newFixture(t)
	token := f.issue(t, okta.TokenRequest{ClientID: portalID, User: userLogin})
	f.clock.Advance(time.Hour - time.Second)
	if got := decode(t, f.introspect(t, token)); got["active"] != true {
		t.Errorf("a second before its end: %v", got)
	}
	f.clock.Advance(time.Second)
	wantDiff(t, inactive, f.introspect(t, token))
}

func TestRevocationFlipsIntrospection(t *testing.T) {
	f := newFixture(t)
	request := okta.TokenRequest{ClientID: serviceID, Scopes: []string{"customers.read"}}
	first, second := f.issue(t, request), f.issue(t, request)

	if a := f.post(t, "revoke", gatewayID, gatewaySecret, url.Values{"token": {first}}); a.status != http.StatusOK {
		t.Errorf("revoke by a stranger: %d %s", a.status, a.body)
	}
	if got := decode(t, f.introspect(t, first)); got["active"] != true {
		t.Error("a client revoked another client's token")
	}
	if a := f.post(t, "revoke", serviceID, serviceSecret, url.Values{"token": {first}}); a.status != http.StatusOK || a.body != "" {
		t.Errorf("revoke: %d %q", a.status, a.body)
	}
	wantDiff(t, inactive, f.introspect(t, first))

	if err := f.Revoke(second); err != nil {
		t.Fatal(err)
	}
	wantDiff(t, inactive, f.introspect(t, second))
	if err := f.Revoke("nonsense"); err == nil {
		t.Error("Revoke of nonsense succeeded")
	}
}

func TestCallsAreRecordedWithoutTokens(t *testing.T) {
	f := newFixture(t)
	token := f.issue(t, okta.TokenRequest{ClientID: serviceID})
	f.introspect(t, token)
	f.post(t, "introspect", gatewayID, "wrong", url.Values{"token": {token}})
	wantDiff(t, []okta.Call{
		{Endpoint: okta.EndpointIntrospect, ClientID: gatewayID, TokenHash: okta.HashToken(token), Status: 200},
		{Endpoint: okta.EndpointIntrospect, TokenHash: okta.HashToken(token), Status: 401},
	}, f.Calls())
	if n := f.IntrospectionCalls(); n != 2 {
		t.Errorf("IntrospectionCalls is %d, want 2", n)
	}
}
