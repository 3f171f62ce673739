package okta

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
)

// library lets the zitadel library serve the request and gives its errors Okta's words.
func (o *Org) library(lib http.Handler) backChannelFunc {
	return func(w http.ResponseWriter, r *http.Request, client *Client) {
		if r.PostForm.Get("grant_type") == "client_credentials" && !client.ClientCredentials {
			(&oauthError{http.StatusBadRequest, "unauthorized_client", textGrantNotAllowed}).write(w)
			return
		}
		answer := bufferedAnswer{header: http.Header{}, status: http.StatusOK}
		lib.ServeHTTP(&answer, r)
		if answer.status >= http.StatusBadRequest {
			oktaError(&answer).write(w)
			return
		}
		maps.Copy(w.Header(), answer.header)
		w.WriteHeader(answer.status)
		w.Write(bytes.TrimSuffix(answer.body.Bytes(), []byte("\n")))
	}
}

// revocation demands the token before the library sees the request.
func (o *Org) revocation(lib http.Handler) backChannelFunc {
	serve := o.library(lib)
	return func(w http.ResponseWriter, r *http.Request, c *Client) {
		if r.PostForm.Get("token") == "" {
			invalidRequest(textTokenMissing).write(w)
			return
		}
		serve(w, r, c)
	}
}

// oktaTexts are Okta's words for the library's errors, by error and description.
// What is not listed keeps the library's description: the store's own errors
// are Okta's already.
var oktaTexts = map[[2]string]string{
	{"invalid_grant", "invalid code"}:                                       textGrantInvalid,
	{"invalid_grant", "invalid code_verifier"}:                              textPKCEFailed,
	{"invalid_request", "code_verifier required"}:                           textPKCENoVerifier,
	{"invalid_request", "code_verifier unexpectedly provided"}:              textPKCENoChallenge,
	{"invalid_request", "grant_type missing"}:                               textGrantTypeMissing,
	{"invalid_request", "code missing"}:                                     "The required parameter 'code' is missing.",
	{"invalid_grant", "redirect_uri does not correspond"}:                   "The 'redirect_uri' does not match the redirection URI used in the authorization request.",
	{"invalid_grant", ""}:                                                   textGrantInvalid,
	{"unauthorized_client", "client missing grant type authorization_code"}: textGrantNotAllowed,
}

func oktaError(a *bufferedAnswer) errorAnswer {
	e := &oauthError{status: a.status}
	if err := json.Unmarshal(a.body.Bytes(), e); err != nil || e.Code == "" || e.Code == "server_error" {
		return errInternal(http.StatusInternalServerError)
	}
	if e.Code == "unsupported_grant_type" {
		e.Description = textGrantUnsupported
	} else if text, ok := oktaTexts[[2]string{e.Code, e.Description}]; ok {
		e.Description = text
	}
	return e
}

// bufferedAnswer holds the library's answer, which is small: tokens or an error.
type bufferedAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *bufferedAnswer) Header() http.Header         { return a.header }
func (a *bufferedAnswer) WriteHeader(status int)      { a.status = status }
func (a *bufferedAnswer) Write(p []byte) (int, error) { return a.body.Write(p) }
