package okta

import (
	"errors"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// authRequest is one trip of a browser from authorize through login to a code.
type authRequest struct {
	id       string
	req      oidc.AuthRequest
	created  time.Time
	user     *User // nil until someone has logged in
	authTime time.Time
	coded    time.Time // when its code was made
}

var _ op.AuthRequest = (*authRequest)(nil)

func (a *authRequest) GetID() string                      { return a.id }
func (a *authRequest) GetACR() string                     { return "" }
func (a *authRequest) GetAMR() []string                   { return []string{"pwd"} }
func (a *authRequest) GetAudience() []string              { return []string{a.req.ClientID} } // of the ID token
func (a *authRequest) GetAuthTime() time.Time             { return a.authTime }
func (a *authRequest) GetClientID() string                { return a.req.ClientID }
func (a *authRequest) GetNonce() string                   { return a.req.Nonce }
func (a *authRequest) GetRedirectURI() string             { return a.req.RedirectURI }
func (a *authRequest) GetResponseType() oidc.ResponseType { return a.req.ResponseType }
func (a *authRequest) GetResponseMode() oidc.ResponseMode { return a.req.ResponseMode }
func (a *authRequest) GetScopes() []string                { return a.req.Scopes }
func (a *authRequest) GetState() string                   { return a.req.State }
func (a *authRequest) Done() bool                         { return a.user != nil }
func (a *authRequest) GetCodeChallenge() *oidc.CodeChallenge {
	if a.req.CodeChallenge == "" {
		return nil
	}
	return &oidc.CodeChallenge{Challenge: a.req.CodeChallenge, Method: a.req.CodeChallengeMethod}
}

func (a *authRequest) GetSubject() string {
	if a.user == nil {
		return ""
	}
	return a.user.Login
}

// addAuthRequest remembers a, and forgets those that were not finished in time.
func (s *store) addAuthRequest(a *authRequest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, old := range s.auth {
		if a.created.Sub(old.created) > authRequestLife {
			delete(s.auth, id)
		}
	}
	for code, old := range s.codes {
		if a.created.Sub(old.coded) > codeLife {
			delete(s.codes, code)
		}
	}
	if len(s.auth) >= maxAuthRequests {
		return errors.New("too many logins in progress")
	}
	s.auth[a.id] = a
	return nil
}

func (s *store) authRequest(id string) (*authRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.auth[id]
	if !ok || s.cfg.Now().Sub(a.created) > authRequestLife {
		return nil, errors.New("no such login in progress")
	}
	c := *a
	return &c, nil
}

// logIn finishes the login of request id.
func (s *store) logIn(id string, user *User) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.auth[id]
	if !ok {
		return errors.New("no such login in progress")
	}
	done := *a
	done.user, done.authTime = user, s.cfg.Now()
	s.auth[id] = &done
	return nil
}

func (s *store) saveCode(id, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.auth[id]
	if !ok {
		return errors.New("no such login in progress")
	}
	coded := *a
	coded.coded = s.cfg.Now()
	delete(s.auth, id) // one code for one login
	s.codes[code] = &coded
	return nil
}

// spendCode returns the request of code and forgets the code, whether or not
// the exchange that follows succeeds: a code that was seen once is burnt.
func (s *store) spendCode(code string) (*authRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.codes[code]
	delete(s.codes, code)
	if !ok || s.cfg.Now().Sub(a.coded) > codeLife {
		return nil, errors.New("no such code")
	}
	return a, nil
}
