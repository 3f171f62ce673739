package okta

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/url"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// Client is an application registered with the org.
type Client struct {
	ID string
	// Secret authenticates by HTTP Basic (client_secret_basic); empty means a
	// public client, which must use PKCE.
	Secret       string
	RedirectURIs []string
	// ClientCredentials allows the client credentials grant.
	ClientCredentials bool
	// Scopes that the client may be granted, besides OpenID Connect's own.
	Scopes []string
}

func (c *Client) public() bool { return c.Secret == "" }

// secretIs compares in constant time; a public client has no secret to match.
func (c *Client) secretIs(secret string) bool {
	want, got := sha256.Sum256([]byte(c.Secret)), sha256.Sum256([]byte(secret))
	return !c.public() && subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// opClient shows a Client to the zitadel library.
type opClient struct {
	*Client
	now func() time.Time
}

var _ op.Client = opClient{}

func (c opClient) GetID() string                    { return c.ID }
func (c opClient) RedirectURIs() []string           { return c.Client.RedirectURIs }
func (c opClient) PostLogoutRedirectURIs() []string { return nil }
func (c opClient) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c opClient) LoginURL(id string) string { return loginPath + "?request=" + url.QueryEscape(id) }
func (c opClient) DevMode() bool             { return false }

// AccessTokenType is the library's word for a token that it does not format
// itself: the format comes from bearerCrypto.
func (c opClient) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeBearer }

func (c opClient) ApplicationType() op.ApplicationType {
	if c.public() {
		return op.ApplicationTypeNative
	}
	return op.ApplicationTypeWeb
}

func (c opClient) AuthMethod() oidc.AuthMethod {
	if c.public() {
		return oidc.AuthMethodNone
	}
	return oidc.AuthMethodBasic
}

func (c opClient) GrantTypes() []oidc.GrantType {
	var grants []oidc.GrantType
	if len(c.Client.RedirectURIs) > 0 {
		grants = append(grants, oidc.GrantTypeCode)
	}
	if c.ClientCredentials && !c.public() {
		grants = append(grants, oidc.GrantTypeClientCredentials)
	}
	return grants
}

func (c opClient) RestrictAdditionalIdTokenScopes() func([]string) []string     { return slices.Clone }
func (c opClient) RestrictAdditionalAccessTokenScopes() func([]string) []string { return slices.Clone }
func (c opClient) IDTokenUserinfoClaimsAssertion() bool                         { return true }

// IsScopeAllowed lets every scope pass here, because the library would drop a
// refused one silently; the store refuses it with an error, as Okta does.
func (c opClient) IsScopeAllowed(string) bool { return true }

// ClockSkew moves the library, which reads the real clock, onto the org's:
// it subtracts the skew from "issued at".
func (c opClient) ClockSkew() time.Duration { return time.Since(c.now()) }

// IDTokenLifetime takes back twice what the library adds to "expires" for the skew.
func (c opClient) IDTokenLifetime() time.Duration { return time.Hour - 2*c.ClockSkew() }
