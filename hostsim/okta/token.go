package okta

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// tokenIDPrefix starts the jti of every Okta access token.
const tokenIDPrefix = "AT."

// record is what the org remembers of an access token; never the token itself.
type record struct {
	id       string
	clientID string
	user     *User // nil for a client-credentials token
	audience string
	scopes   []string
	issued   time.Time
	expires  time.Time
	authTime time.Time // zero unless a person logged in
	revoked  bool
}

func (r *record) subject() string {
	if r.user != nil {
		return r.user.Login
	}
	return r.clientID
}

// accessClaims is the payload of a custom authorization server's access token:
// cid and an scp array, where introspection has client_id and a scope string.
type accessClaims struct {
	Version  int      `json:"ver"`
	ID       string   `json:"jti"`
	Issuer   string   `json:"iss"`
	Audience string   `json:"aud"`
	IssuedAt int64    `json:"iat"`
	Expires  int64    `json:"exp"`
	ClientID string   `json:"cid"`
	UserID   string   `json:"uid,omitempty"`
	Scopes   []string `json:"scp"`
	AuthTime int64    `json:"auth_time,omitempty"`
	Subject  string   `json:"sub"`
}

// tokenSigner signs and recognises the org's access tokens. It is also the
// signing and the public key as the library wants them.
type tokenSigner struct {
	key    *rsa.PrivateKey
	kid    string
	signer jose.Signer
}

func newTokenSigner(key *rsa.PrivateKey) (*tokenSigner, error) {
	sum := sha256.Sum256(key.N.Bytes())
	t := &tokenSigner{key: key, kid: base64.RawURLEncoding.EncodeToString(sum[:])}
	var err error
	// No "typ" header: Okta's access tokens have only kid and alg.
	t.signer, err = jose.NewSigner(jose.SigningKey{
		Algorithm: jose.RS256,
		Key:       jose.JSONWebKey{Key: key, KeyID: t.kid},
	}, nil)
	return t, err
}

func (t *tokenSigner) sign(issuer string, r *record) (string, error) {
	claims := accessClaims{
		Version: 1, ID: r.id, Issuer: issuer, Audience: r.audience,
		IssuedAt: r.issued.Unix(), Expires: r.expires.Unix(),
		ClientID: r.clientID, Scopes: r.scopes, Subject: r.subject(),
	}
	if r.user != nil {
		claims.UserID = r.user.ID
	}
	if !r.authTime.IsZero() {
		claims.AuthTime = r.authTime.Unix()
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode access token: %w", err)
	}
	signed, err := t.signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign access token: %w", err)
	}
	return signed.CompactSerialize()
}

// tokenID verifies the signature of token and returns its jti.
func (t *tokenSigner) tokenID(token string) (string, error) {
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return "", errors.New("not a token of this org")
	}
	payload, err := jws.Verify(&t.key.PublicKey)
	if err != nil {
		return "", errors.New("not signed by this org")
	}
	var claims accessClaims
	if err := json.Unmarshal(payload, &claims); err != nil || !strings.HasPrefix(claims.ID, tokenIDPrefix) {
		return "", errors.New("not an access token")
	}
	return claims.ID, nil
}

// signingKey and publicKey are the two views that the library asks for.
type (
	signingKey struct{ *tokenSigner }
	publicKey  struct{ *tokenSigner }
)

func (k signingKey) ID() string                                  { return k.kid }
func (k signingKey) Key() any                                    { return k.key }
func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k publicKey) ID() string                                   { return k.kid }
func (k publicKey) Key() any                                     { return &k.key.PublicKey }
func (k publicKey) Algorithm() jose.SignatureAlgorithm           { return jose.RS256 }
func (k publicKey) Use() string                                  { return "sig" }

// bearerCrypto gives the library's bearer tokens and authorization codes their
// form. The library hands over "tokenID:subject" for a token and a bare request
// id for a code; tokens become Okta's JWT of the remembered record.
type bearerCrypto struct{ *store }

var _ op.Crypto = bearerCrypto{}

func (c bearerCrypto) Encrypt(s string) (string, error) {
	id, _, isToken := strings.Cut(s, ":")
	if !isToken {
		return randomID(""), nil
	}
	rec, ok := c.record(id)
	if !ok {
		return "", errors.New("sign bearer token: no such record")
	}
	return c.signer.sign(c.cfg.Issuer, rec)
}

func (c bearerCrypto) Decrypt(token string) (string, error) {
	id, err := c.signer.tokenID(token)
	if err != nil {
		return "", err
	}
	rec, ok := c.active(id)
	if !ok {
		return "", errors.New("token is not active")
	}
	return id + ":" + rec.subject(), nil
}
