package okta

import (
	"net/http"
	"strings"
)

// introspection is Okta's answer for an active token (RFC 7662 section 2.2):
// aud is a string, uid and username are there only when the token belongs to a person.
type introspection struct {
	Active    bool   `json:"active"`
	Scope     string `json:"scope,omitempty"`
	Username  string `json:"username,omitempty"`
	Expires   int64  `json:"exp"`
	IssuedAt  int64  `json:"iat"`
	Subject   string `json:"sub"`
	Audience  string `json:"aud"`
	Issuer    string `json:"iss"`
	ID        string `json:"jti"`
	TokenType string `json:"token_type"`
	ClientID  string `json:"client_id"`
	UserID    string `json:"uid,omitempty"`
}

// inactive is the whole answer for any token that is not good: malformed,
// foreign, expired or revoked alike.
var inactive = struct {
	Active bool `json:"active"`
}{false}

// introspect answers about access tokens; the type hint is a hint and is not read.
func (o *Org) introspect(w http.ResponseWriter, r *http.Request, _ *Client) {
	token := r.PostForm.Get("token")
	if token == "" {
		invalidRequest(textTokenMissing).write(w)
		return
	}
	id, err := o.store.signer.tokenID(token)
	if err != nil {
		writeJSON(w, http.StatusOK, inactive)
		return
	}
	rec, ok := o.store.active(id)
	if !ok {
		writeJSON(w, http.StatusOK, inactive)
		return
	}
	answer := introspection{
		Active: true, Scope: strings.Join(rec.scopes, " "),
		Expires: rec.expires.Unix(), IssuedAt: rec.issued.Unix(),
		Subject: rec.subject(), Audience: rec.audience, Issuer: o.cfg.Issuer,
		ID: rec.id, TokenType: "Bearer", ClientID: rec.clientID,
	}
	if rec.user != nil {
		answer.Username, answer.UserID = rec.user.Login, rec.user.ID
	}
	writeJSON(w, http.StatusOK, answer)
}
