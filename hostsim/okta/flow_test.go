package okta_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"
)

func (f *fixture) oauth() *oauth2.Config {
	return &oauth2.Config{
		ClientID: portalID, RedirectURL: portalRedirect, Scopes: []string{"openid", "profile", "customers.read"},
		Endpoint: oauth2.Endpoint{
			AuthURL: f.base + "/oauth2/default/v1/authorize", TokenURL: f.base + "/oauth2/default/v1/token",
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}
}

func (f *fixture) ctx(t *testing.T) context.Context {
	return context.WithValue(t.Context(), oauth2.HTTPClient, f.client)
}

var requestField = regexp.MustCompile(`name="request" value="([^"]+)"`)

// logIn walks a browser from authURL to the redirect back to the client and returns its query.
func (f *fixture) logIn(t *testing.T, authURL, password string) url.Values {
	t.Helper()
	get := func(u string) answer {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u, nil)
		if err != nil {
			t.Fatal(err)
		}
		return f.do(t, req)
	}
	a := get(authURL)
	location := a.header.Get("Location")
	if a.status != http.StatusFound || !strings.HasPrefix(location, "/login/login.htm?") {
		return query(t, a)
	}
	page := get(f.base + location)
	field := requestField.FindStringSubmatch(page.body)
	if field == nil {
		t.Fatalf("login page has no request field: %d %s", page.status, page.body)
	}
	form := url.Values{"request": {field[1]}, "username": {userLogin}, "password": {password}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.base+"/login/login.htm", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	done := f.do(t, req)
	if done.status != http.StatusSeeOther {
		if !strings.Contains(done.body, `role="alert"`) {
			t.Fatalf("login: %d %s", done.status, done.body)
		}
		return nil
	}
	return query(t, get(done.header.Get("Location")))
}

// query is the query of the redirect to the client.
func query(t *testing.T, a answer) url.Values {
	t.Helper()
	location := a.header.Get("Location")
	if !strings.HasPrefix(location, portalRedirect) {
		t.Fatalf("got %d %s %s, want a redirect to the client", a.status, location, a.body)
	}
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

func TestCodeFlowWithPKCE(t *testing.T) {
	f := newFixture(t)
	verifier := oauth2.GenerateVerifier()
	back := f.logIn(t, f.oauth().AuthCodeURL("the-state", oauth2.S256ChallengeOption(verifier)), userPassword)
	if back.Get("state") != "the-state" {
		t.Errorf("state came back as %q", back.Get("state"))
	}
	token, err := f.oauth().Exchange(f.ctx(t), back.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	got := decode(t, f.introspect(t, token.AccessToken))
	if got["active"] != true || got["username"] != userLogin || got["scope"] != "openid profile customers.read" {
		t.Errorf("introspection is %v", got)
	}

	// A relying party that checks the ID token against the published keys.
	party, err := rp.NewRelyingPartyOIDC(f.ctx(t), f.Issuer(), portalID, "", portalRedirect, nil, rp.WithHTTPClient(f.client))
	if err != nil {
		t.Fatal(err)
	}
	idToken, _ := token.Extra("id_token").(string)
	claims, err := rp.VerifyTokens[*oidc.IDTokenClaims](f.ctx(t), token.AccessToken, idToken, party.IDTokenVerifier())
	if err != nil {
		t.Fatal(err)
	}
	if claims.Subject != userLogin || claims.Name != "Ada" {
		t.Errorf("ID token is of %q (%q)", claims.Subject, claims.Name)
	}

	if _, err := f.oauth().Exchange(f.ctx(t), back.Get("code"), oauth2.VerifierOption(verifier)); !refusedWith(err, "invalid_grant") {
		t.Errorf("code spent twice: %v", err)
	}
}

func TestCodeFlowRefusals(t *testing.T) {
	verifier := oauth2.GenerateVerifier()
	challenge := oauth2.S256ChallengeOption(verifier)
	t.Run("wrong password", func(t *testing.T) {
		f := newFixture(t)
		if back := f.logIn(t, f.oauth().AuthCodeURL("s", challenge), "guess"); back != nil {
			t.Errorf("came back with %v", back)
		}
	})
	t.Run("public client without PKCE", func(t *testing.T) {
		f := newFixture(t)
		back := f.logIn(t, f.oauth().AuthCodeURL("s"), userPassword)
		wantDiff(t, "invalid_request", back.Get("error"))
		wantDiff(t, "PKCE code challenge is required by the application.", back.Get("error_description"))
	})
	t.Run("unknown scope", func(t *testing.T) {
		f := newFixture(t)
		cfg := f.oauth()
		cfg.Scopes = append(cfg.Scopes, "customers.fly")
		wantDiff(t, "invalid_scope", f.logIn(t, cfg.AuthCodeURL("s", challenge), userPassword).Get("error"))
	})
	t.Run("prompt none", func(t *testing.T) {
		f := newFixture(t)
		back := f.logIn(t, f.oauth().AuthCodeURL("s", challenge, oauth2.SetAuthURLParam("prompt", "none")), userPassword)
		wantDiff(t, "login_required", back.Get("error"))
	})
	t.Run("wrong verifier burns the code", func(t *testing.T) {
		f := newFixture(t)
		code := f.logIn(t, f.oauth().AuthCodeURL("s", challenge), userPassword).Get("code")
		_, err := f.oauth().Exchange(f.ctx(t), code, oauth2.VerifierOption(oauth2.GenerateVerifier()))
		if !refusedWith(err, "invalid_grant") || !strings.Contains(err.Error(), "PKCE verification failed.") {
			t.Errorf("wrong verifier: %v", err)
		}
		if _, err := f.oauth().Exchange(f.ctx(t), code, oauth2.VerifierOption(verifier)); !refusedWith(err, "invalid_grant") {
			t.Errorf("second try: %v", err)
		}
	})
	t.Run("no verifier", func(t *testing.T) {
		f := newFixture(t)
		code := f.logIn(t, f.oauth().AuthCodeURL("s", challenge), userPassword).Get("code")
		if _, err := f.oauth().Exchange(f.ctx(t), code); !refusedWith(err, "invalid_request") {
			t.Errorf("no verifier: %v", err)
		}
	})
	t.Run("code too old", func(t *testing.T) {
		f := newFixture(t)
		code := f.logIn(t, f.oauth().AuthCodeURL("s", challenge), userPassword).Get("code")
		f.clock.Advance(61 * time.Second)
		if _, err := f.oauth().Exchange(f.ctx(t), code, oauth2.VerifierOption(verifier)); !refusedWith(err, "invalid_grant") {
			t.Errorf("old code: %v", err)
		}
	})
	t.Run("foreign redirect", func(t *testing.T) {
		f := newFixture(t)
		cfg := f.oauth()
		cfg.RedirectURL = "https://evil.example/callback"
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, cfg.AuthCodeURL("s", challenge), nil)
		if err != nil {
			t.Fatal(err)
		}
		if a := f.do(t, req); a.status != http.StatusBadRequest || a.header.Get("Location") != "" {
			t.Errorf("got %d, location %q", a.status, a.header.Get("Location"))
		}
	})
}

func refusedWith(err error, code string) bool {
	var refused *oauth2.RetrieveError
	return errors.As(err, &refused) && refused.ErrorCode == code
}

func TestMetadata(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{
		"/oauth2/default/.well-known/openid-configuration",
		"/oauth2/default/.well-known/oauth-authorization-server",
		"/.well-known/oauth-authorization-server/oauth2/default",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := decode(t, f.do(t, req).body)
		for member, want := range map[string]string{
			"issuer": "", "authorization_endpoint": "/v1/authorize", "token_endpoint": "/v1/token",
			"introspection_endpoint": "/v1/introspect", "revocation_endpoint": "/v1/revoke", "jwks_uri": "/v1/keys",
		} {
			wantDiff(t, any(f.Issuer()+want), got[member])
		}
		if got["device_authorization_endpoint"] != nil {
			t.Error("the document names an endpoint that does not exist")
		}
	}
}
