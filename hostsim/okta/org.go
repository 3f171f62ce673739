// Package okta is a simulated Okta org: one custom authorization server named
// "default" with Okta's paths, token shapes, error texts and rate-limit headers,
// built on github.com/zitadel/oidc. Faults can be switched on while it runs.
//
// Flows: authorization code with PKCE, client credentials, introspection and
// revocation with Basic credentials, keys, metadata. Not there: refresh tokens,
// the org authorization server, DPoP, private_key_jwt.
//
// Okta's texts and shapes follow its OAuth 2.0 error reference and its
// introspection documentation; see README.md for what is known and what is inferred.
package okta

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// Defaults and bounds, as Okta documents them for custom authorization servers.
const (
	DefaultAudience            = "api://default"
	DefaultAccessTokenLifetime = time.Hour
	MinAccessTokenLifetime     = 5 * time.Minute
	MaxAccessTokenLifetime     = 24 * time.Hour
	// DefaultRateLimit is the back-channel calls a minute that a production org
	// was granted while Okta still published the figure.
	DefaultRateLimit = 1200

	serverPath = "/oauth2/default"
)

// Config describes an org. Issuer and at least one client are required.
type Config struct {
	// Issuer is https://HOST/oauth2/default. HOST need not be the address that the
	// handler is served on: there may be proxies in between.
	Issuer string
	// Audience of every access token; empty means DefaultAudience.
	Audience string
	// AccessTokenLifetime: 0 means DefaultAccessTokenLifetime; otherwise within
	// MinAccessTokenLifetime and MaxAccessTokenLifetime.
	AccessTokenLifetime time.Duration
	// Scopes that the server knows, besides OpenID Connect's own.
	Scopes  []string
	Clients []Client
	Users   []User
	// RateLimit is the number of back-channel calls (token, introspect, revoke)
	// in a window of a minute; 0 means DefaultRateLimit.
	RateLimit int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// User is a person who can log in.
type User struct {
	ID       string // Okta's user id, "00u…"
	Login    string // e-mail address; becomes sub and username
	Password string
	Name     string
}

// Org is a running org. It is safe for concurrent use.
type Org struct {
	cfg      Config
	store    *store
	faults   *Faults
	calls    callLog
	limit    limiter
	handler  http.Handler
	provider *op.Provider
}

// New makes an org with a fresh signing key.
func New(cfg Config) (*Org, error) {
	if err := cfg.setDefaults(); err != nil {
		return nil, fmt.Errorf("configure okta org: %w", err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make signing key: %w", err)
	}
	signer, err := newTokenSigner(key)
	if err != nil {
		return nil, fmt.Errorf("make token signer: %w", err)
	}
	o := &Org{cfg: cfg, faults: &Faults{}, limit: limiter{perMinute: cfg.RateLimit}}
	o.store = newStore(&o.cfg, signer)
	o.provider, err = newProvider(cfg.Issuer, o.store)
	if err != nil {
		return nil, fmt.Errorf("make provider: %w", err)
	}
	o.handler = o.routes()
	return o, nil
}

func newProvider(issuer string, s *store) (*op.Provider, error) {
	opts := []op.Option{
		op.WithCustomAuthEndpoint(op.NewEndpoint("/v1/authorize")),
		op.WithCustomTokenEndpoint(op.NewEndpoint("/v1/token")),
		op.WithCustomIntrospectionEndpoint(op.NewEndpoint("/v1/introspect")),
		op.WithCustomUserinfoEndpoint(op.NewEndpoint("/v1/userinfo")),
		op.WithCustomRevocationEndpoint(op.NewEndpoint("/v1/revoke")),
		op.WithCustomEndSessionEndpoint(op.NewEndpoint("/v1/logout")),
		op.WithCustomKeysEndpoint(op.NewEndpoint("/v1/keys")),
		op.WithCORSOptions(nil),
		op.WithCrypto(bearerCrypto{s}),
	}
	if strings.HasPrefix(issuer, "http://") {
		opts = append(opts, op.WithAllowInsecure())
	}
	return op.NewProvider(&op.Config{
		CodeMethodS256:  true,
		SupportedScopes: slices.Concat(oidcScopes, s.cfg.Scopes),
		SupportedClaims: []string{"ver", "jti", "iss", "aud", "sub", "iat", "exp", "cid", "uid", "scp", "auth_time"},
	}, s, op.StaticIssuer(issuer), opts...)
}

func (c *Config) setDefaults() error {
	var problems []error
	issuer, err := url.Parse(c.Issuer)
	if err != nil || issuer.Host == "" || issuer.Path != serverPath {
		problems = append(problems, fmt.Errorf("issuer %q: want https://HOST%s", c.Issuer, serverPath))
	}
	if len(c.Clients) == 0 {
		problems = append(problems, errors.New("no client"))
	}
	seen := map[string]bool{}
	for i, client := range c.Clients {
		if client.ID == "" || seen[client.ID] {
			problems = append(problems, fmt.Errorf("clients[%d]: id is empty or repeated", i))
		}
		seen[client.ID] = true
	}
	if c.Audience == "" {
		c.Audience = DefaultAudience
	}
	if c.AccessTokenLifetime == 0 {
		c.AccessTokenLifetime = DefaultAccessTokenLifetime
	}
	if c.AccessTokenLifetime < MinAccessTokenLifetime || c.AccessTokenLifetime > MaxAccessTokenLifetime {
		problems = append(problems, fmt.Errorf("access token lifetime %s: want %s to %s",
			c.AccessTokenLifetime, MinAccessTokenLifetime, MaxAccessTokenLifetime))
	}
	if c.RateLimit == 0 {
		c.RateLimit = DefaultRateLimit
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return errors.Join(problems...)
}

// Handler serves the org.
func (o *Org) Handler() http.Handler { return o.handler }

// Issuer is the configured issuer.
func (o *Org) Issuer() string { return o.cfg.Issuer }

// Faults turns misbehaviour on and off.
func (o *Org) Faults() *Faults { return o.faults }

// TokenRequest says which access token IssueToken mints.
type TokenRequest struct {
	ClientID string
	// User is the login of a configured user; empty means a client-credentials
	// token, which has no uid and no username.
	User     string
	Scopes   []string
	Audience string // empty means the org's
	// Lifetime: 0 means the org's; negative gives a token that has already expired.
	Lifetime time.Duration
}

// IssueToken mints an access token as if its client had fetched it.
func (o *Org) IssueToken(r TokenRequest) (string, error) {
	rec, err := o.store.newRecord(r)
	if err != nil {
		return "", fmt.Errorf("issue token: %w", err)
	}
	return o.store.signer.sign(o.cfg.Issuer, rec)
}

// Revoke makes token inactive. A token that this org did not issue is an error.
func (o *Org) Revoke(token string) error {
	jti, err := o.store.signer.tokenID(token)
	if err != nil {
		return fmt.Errorf("revoke token: %w", err)
	}
	if !o.store.revoke(jti) {
		return errors.New("revoke token: unknown token")
	}
	return nil
}

// oidcScopes are always known to the server.
var oidcScopes = []string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail}
