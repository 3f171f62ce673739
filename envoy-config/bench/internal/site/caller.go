package site

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/load"
)

// What the callers of the bench send, and where.
const (
	Host      = "api.example.com"
	Path      = "/customers/v1/orders/4711"
	keyHeader = "x-api-key"
	keyBegin  = "bench-key-" // and seven digits
	issuer    = "https://dev-123456.okta.com/oauth2/default"
	audience  = "api://default"
	clientID  = "0oa1portal"
	tokenLife = 24 * time.Hour
	keyID     = "bench"
)

// Key is the n-th API key; the first app has number 0.
func Key(n int) string { return fmt.Sprintf("%s%07d", keyBegin, n) }

// Caller is the identity that every contender lets pass.
type Caller struct {
	Token  string // a JWT as Okta issues them, some 800 bytes
	Claims []byte // of an introspection's answer, JSON
	JWKS   []byte // with the key that signed the token
}

// NewCaller signs a token.
func NewCaller() (*Caller, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make the issuer's key: %w", err)
	}
	now := time.Now()
	claims := map[string]any{
		"ver": 1, "jti": "AT." + strings.Repeat("a", 43), "iss": issuer, "aud": audience, "iat": now.Unix(), "exp": now.Add(tokenLife).Unix(),
		"cid": clientID, "uid": "00u1bench", "scp": []string{"customers.read", "openid"}, "auth_time": now.Unix(), "sub": "jane@example.com",
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: crypto.PrivateKey(key), KeyID: keyID}}, nil)
	if err != nil {
		return nil, fmt.Errorf("sign a token: %w", err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return nil, fmt.Errorf("sign a token: %w", err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return nil, fmt.Errorf("sign a token: %w", err)
	}
	c := &Caller{}
	if c.Token, err = jws.CompactSerialize(); err != nil {
		return nil, fmt.Errorf("sign a token: %w", err)
	}
	if c.JWKS, err = json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: keyID, Algorithm: string(jose.RS256), Use: "sig"}}}); err != nil {
		return nil, fmt.Errorf("encode the issuer's keys: %w", err)
	}
	c.Claims, err = json.Marshal(map[string]any{
		"active": true, "token_type": "Bearer", "iss": issuer, "aud": audience, "client_id": clientID, "sub": "jane@example.com",
		"scope": "customers.read openid", "exp": now.Add(tokenLife).Unix(), "iat": now.Unix(), "uid": "00u1bench", "username": "jane@example.com",
	})
	if err != nil {
		return nil, fmt.Errorf("encode claims: %w", err)
	}
	return c, nil
}

// ManyTokens is a token of the same length with load.Mark in its middle: only
// introspection can tell that it was never signed.
func (c *Caller) ManyTokens() string {
	middle := len(c.Token) / 2
	return c.Token[:middle] + load.Mark + c.Token[middle+len(load.Mark):]
}

// Request is what a caller with this key and token sends: eight headers.
func Request(key, token string) load.Request {
	return load.Request{Path: Path, Headers: []load.Header{
		{Name: "Host", Value: Host},
		{Name: "User-Agent", Value: "portal/3.14 (linux; amd64)"},
		{Name: "Accept", Value: "application/json"},
		{Name: "Accept-Encoding", Value: "gzip, deflate, br"},
		{Name: "Accept-Language", Value: "en-GB,en;q=0.8"},
		{Name: "Cache-Control", Value: "no-cache"},
		{Name: keyHeader, Value: key},
		{Name: "Authorization", Value: "Bearer " + token},
	}}
}

// Without is r without a header.
func Without(r load.Request, name string) load.Request {
	var kept []load.Header
	for _, h := range r.Headers {
		if !strings.EqualFold(h.Name, name) {
			kept = append(kept, h)
		}
	}
	r.Headers = kept
	return r
}

// WithHeaders is r with more headers, until there are n.
func WithHeaders(r load.Request, n int) load.Request {
	headers := append([]load.Header(nil), r.Headers...)
	for i := len(headers); i < n; i++ {
		headers = append(headers, load.Header{Name: fmt.Sprintf("X-Client-%02d", i), Value: fmt.Sprintf("value-%02d-of-the-client", i)})
	}
	r.Headers = headers
	return r
}

func digest(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}
