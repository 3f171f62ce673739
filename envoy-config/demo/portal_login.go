package demo

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"
)

// serveLogin sends the browser to Okta: authorization code with PKCE (RFC 7636).
func (p *Portal) serveLogin(w http.ResponseWriter, r *http.Request) {
	s := session{state: rand.Text(), nonce: rand.Text(), verifier: oauth2.GenerateVerifier()}
	if !p.sessions.start(w, r, s) {
		p.render(w, r, http.StatusServiceUnavailable, view{Problem: "Too many people are signing in. Try again later."})
		return
	}
	http.Redirect(w, r, p.party.OAuthConfig().AuthCodeURL(s.state,
		oauth2.S256ChallengeOption(s.verifier), oauth2.SetAuthURLParam("nonce", s.nonce)), http.StatusSeeOther)
}

// serveCallback takes the code with which Okta sent the browser back.
func (p *Portal) serveCallback(w http.ResponseWriter, r *http.Request) {
	s, ok := p.sessions.find(r)
	query := r.URL.Query()
	if !ok || s.state == "" || subtle.ConstantTimeCompare([]byte(s.state), []byte(query.Get("state"))) != 1 {
		p.render(w, r, http.StatusBadRequest, view{Problem: "This sign-in was not started here, or took too long. Start again."})
		return
	}
	if query.Get("error") != "" {
		p.sessions.end(w, r)
		p.render(w, r, http.StatusForbidden, view{Problem: "Okta refused the sign-in."})
		return
	}
	token, user, err := p.exchange(r.Context(), query.Get("code"), s)
	if err != nil {
		p.sessions.end(w, r)
		p.render(w, r, http.StatusBadGateway, view{Problem: "Okta did not complete the sign-in. Start again."})
		return
	}
	if !p.sessions.start(w, r, session{token: token, user: user}) {
		p.render(w, r, http.StatusServiceUnavailable, view{Problem: "Too many people are signed in. Try again later."})
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// exchange turns code into an access token and verifies the ID token that comes with it.
func (p *Portal) exchange(ctx context.Context, code string, s session) (string, person, error) {
	ctx = context.WithValue(ctx, oauth2.HTTPClient, p.cfg.Client)
	ctx = context.WithValue(ctx, nonceKey{}, s.nonce)
	token, err := p.party.OAuthConfig().Exchange(ctx, code, oauth2.VerifierOption(s.verifier))
	if err != nil {
		return "", person{}, fmt.Errorf("exchange code: %w", err)
	}
	idToken, _ := token.Extra("id_token").(string)
	claims, err := rp.VerifyTokens[*oidc.IDTokenClaims](ctx, token.AccessToken, idToken, p.party.IDTokenVerifier())
	if err != nil {
		return "", person{}, fmt.Errorf("verify ID token: %w", err)
	}
	return token.AccessToken, person{Name: claims.Name, Login: claims.Subject}, nil
}

// nonceKey is the context key of the nonce that the ID token must carry.
type nonceKey struct{}

func nonceFrom(ctx context.Context) string {
	nonce, _ := ctx.Value(nonceKey{}).(string)
	return nonce
}

// signedIn lets only browsers with a token through.
func (p *Portal) signedIn(next func(http.ResponseWriter, *http.Request, session)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, ok := p.sessions.find(r)
		if !ok || s.token == "" {
			p.render(w, r, http.StatusUnauthorized, view{Problem: "Sign in first."})
			return
		}
		next(w, r, s)
	}
}

// serveRevoke revokes the token at Okta (RFC 7009) and keeps it, to show what the gateway then says.
func (p *Portal) serveRevoke(w http.ResponseWriter, r *http.Request, s session) {
	if err := p.revoke(r.Context(), s.token); err != nil {
		p.render(w, r, http.StatusBadGateway, view{Problem: "Okta did not revoke the token."})
		return
	}
	p.render(w, r, http.StatusOK, view{Notice: "Your token is revoked. The gateway refuses it as soon as its cached answer expires."})
}

func (p *Portal) revoke(ctx context.Context, token string) error {
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}, "client_id": {p.cfg.ClientID}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.cfg.Issuer+"/v1/revoke", strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("revoke token: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := p.cfg.Client.Do(req)
	if err != nil {
		return fmt.Errorf("revoke token: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("revoke token: status %d", resp.StatusCode)
	}
	return nil
}

func (p *Portal) serveLogout(w http.ResponseWriter, r *http.Request) {
	p.sessions.end(w, r)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
