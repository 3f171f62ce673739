package okta

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

var (
	_ op.Storage                  = (*store)(nil)
	_ op.ClientCredentialsStorage = (*store)(nil)

	errUnsupported = errors.New("not supported by this org")
)

func (s *store) CreateAuthRequest(_ context.Context, req *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	client, ok := s.client(req.ClientID)
	if !ok {
		return nil, errors.New("unknown client")
	}
	if client.public() && req.CodeChallenge == "" {
		return nil, oidc.ErrInvalidRequest().WithDescription("PKCE code challenge is required by the application.")
	}
	if known, granted := s.grantable(client, req.Scopes); !known {
		return nil, oidc.ErrInvalidScope().WithDescription(textScopeUnknown)
	} else if !granted {
		return nil, oidc.ErrAccessDenied().WithDescription(textPolicyDenied)
	}
	if slices.Contains(req.Prompt, oidc.PromptNone) {
		return nil, oidc.ErrLoginRequired().WithDescription("The client specified not to prompt, but the user is not logged in.")
	}
	a := &authRequest{id: randomID(""), req: *req, created: s.cfg.Now()}
	return a, s.addAuthRequest(a)
}

func (s *store) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	return s.authRequest(id)
}

func (s *store) AuthRequestByCode(_ context.Context, code string) (op.AuthRequest, error) {
	return s.spendCode(code)
}

func (s *store) SaveAuthCode(_ context.Context, id, code string) error { return s.saveCode(id, code) }

// DeleteAuthRequest has nothing to do: saveCode and spendCode have done it.
func (s *store) DeleteAuthRequest(context.Context, string) error { return nil }

func (s *store) CreateAccessToken(_ context.Context, req op.TokenRequest) (string, time.Time, error) {
	want := TokenRequest{Scopes: req.GetScopes()}
	switch req := req.(type) {
	case *authRequest:
		want.ClientID, want.User = req.GetClientID(), req.GetSubject()
	case *clientGrant:
		want.ClientID = req.clientID
	default:
		return "", time.Time{}, errUnsupported
	}
	rec, err := s.newRecord(want)
	if err != nil {
		return "", time.Time{}, err
	}
	return rec.id, rec.expires, nil
}

func (s *store) CreateAccessAndRefreshTokens(context.Context, op.TokenRequest, string) (string, string, time.Time, error) {
	return "", "", time.Time{}, errUnsupported
}

func (s *store) TokenRequestByRefreshToken(context.Context, string) (op.RefreshTokenRequest, error) {
	return nil, errUnsupported
}

func (s *store) GetRefreshTokenInfo(context.Context, string, string) (string, string, error) {
	return "", "", op.ErrInvalidRefreshToken
}

func (s *store) TerminateSession(context.Context, string, string) error { return nil }

// RevokeToken revokes the caller's own token. Anything else is answered as a
// success without effect (RFC 7009 section 2.2).
func (s *store) RevokeToken(_ context.Context, id, _, clientID string) *oidc.Error {
	if rec, ok := s.record(id); ok && rec.clientID == clientID {
		s.revoke(id)
	}
	return nil
}

func (s *store) SigningKey(context.Context) (op.SigningKey, error) { return signingKey{s.signer}, nil }

func (s *store) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}

func (s *store) KeySet(context.Context) ([]op.Key, error) { return []op.Key{publicKey{s.signer}}, nil }

func (s *store) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	client, ok := s.client(id)
	if !ok {
		return nil, oidc.ErrInvalidClient().WithDescription(textClientUnknown)
	}
	return opClient{client, s.cfg.Now}, nil
}

func (s *store) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	if client, ok := s.client(id); !ok || !client.secretIs(secret) {
		return errors.New("client secret does not match")
	}
	return nil
}

func (s *store) ClientCredentials(ctx context.Context, id, secret string) (op.Client, error) {
	if err := s.AuthorizeClientIDSecret(ctx, id, secret); err != nil {
		return nil, err
	}
	return s.GetClientByClientID(ctx, id)
}

// clientGrant is a client credentials request.
type clientGrant struct {
	clientID string
	scopes   []string
}

func (g *clientGrant) GetSubject() string    { return g.clientID }
func (g *clientGrant) GetAudience() []string { return nil }
func (g *clientGrant) GetScopes() []string   { return g.scopes }

func (s *store) ClientCredentialsTokenRequest(_ context.Context, id string, scopes []string) (op.TokenRequest, error) {
	client, ok := s.client(id)
	if !ok {
		return nil, oidc.ErrInvalidClient().WithDescription(textClientUnknown)
	}
	known, granted := s.grantable(client, scopes)
	switch {
	case len(scopes) == 0:
		return nil, oidc.ErrInvalidScope().WithDescription(textScopeMissing)
	case !known || slices.ContainsFunc(scopes, func(sc string) bool { return slices.Contains(oidcScopes, sc) }):
		return nil, oidc.ErrInvalidScope().WithDescription(textScopeUnknown)
	case !granted:
		return nil, oidc.ErrAccessDenied().WithDescription(textPolicyDenied)
	}
	return &clientGrant{clientID: id, scopes: scopes}, nil
}

// SetUserinfoFromScopes fills the ID token.
func (s *store) SetUserinfoFromScopes(_ context.Context, info *oidc.UserInfo, login, _ string, scopes []string) error {
	user, ok := s.user(login)
	if !ok {
		return errors.New("unknown user")
	}
	setUserinfo(info, user, scopes)
	return nil
}

func (s *store) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, id, _, _ string) error {
	rec, ok := s.active(id)
	if !ok || rec.user == nil {
		return errors.New("token has no user")
	}
	setUserinfo(info, rec.user, rec.scopes)
	return nil
}

func setUserinfo(info *oidc.UserInfo, user *User, scopes []string) {
	info.Subject = user.Login
	if slices.Contains(scopes, oidc.ScopeProfile) {
		info.Name, info.PreferredUsername = user.Name, user.Login
	}
	if slices.Contains(scopes, oidc.ScopeEmail) {
		info.Email, info.EmailVerified = user.Login, true
	}
}

// SetIntrospectionFromToken is never reached: introspect.go answers instead,
// because the library's answer has an array of audiences and no uid.
func (s *store) SetIntrospectionFromToken(context.Context, *oidc.IntrospectionResponse, string, string, string) error {
	return errUnsupported
}

func (s *store) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, nil
}

func (s *store) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errUnsupported
}

func (s *store) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errUnsupported
}

func (s *store) Health(context.Context) error { return nil }
