package introspection

import (
	"strconv"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
	"github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"
)

// ClientAuth is how the gateway proves to the authorization server who it is.
// The zero value is Basic credentials.
type ClientAuth uint8

const (
	// AuthBasic sends id and secret in a header (RFC 6749 section 2.3.1).
	AuthBasic ClientAuth = iota
	// AuthPost sends them in the body (the same section).
	AuthPost
	// AuthPrivateKeyJWT sends a signed assertion (RFC 7523 section 2.2).
	AuthPrivateKeyJWT
	// AuthNone sends no credentials: something behind the filter adds them.
	AuthNone
)

// Assertion says what the gateway asserts about itself, and who signs it.
type Assertion struct {
	_        [0]func() // not comparable: an unused == costs the guest code
	Key      *jose.PrivateKey
	KeyID    string // as the authorization server knows the key, "" for none
	Audience string
	TTL      time.Duration
}

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// authenticate adds the credentials to a request. Each assertion is used once:
// its jti is random, and servers refuse one that they have seen. It fails when
// nothing can sign.
func (r *request) authenticate(c *host.Callout, now int64) bool {
	switch r.auth {
	case AuthBasic:
		c.Headers = append(c.Headers, host.Header{Name: "authorization", Value: r.authorization.Reveal()})
	case AuthPost:
		c.Body = appendParameter(c.Body, "client_id", r.clientID)
		c.Body = appendParameter(c.Body, "client_secret", r.secret.Reveal())
	case AuthPrivateKeyJWT:
		assertion, err := r.assertion.Key.Sign(r.assertion.KeyID, "JWT", r.claim(now), r.host)
		if err != nil {
			return false
		}
		c.Body = appendParameter(c.Body, "client_id", r.clientID)
		c.Body = appendParameter(c.Body, "client_assertion_type", assertionType)
		c.Body = appendParameter(c.Body, "client_assertion", assertion)
	case AuthNone:
		if r.clientID != "" {
			c.Body = appendParameter(c.Body, "client_id", r.clientID)
		}
	default:
		return false
	}
	return true
}

// claim is the payload of an assertion (RFC 7523 section 3).
func (r *request) claim(now int64) []byte {
	seconds := now / int64(time.Second)
	id := string(jsonobject.AppendString(nil, r.clientID))
	return []byte(`{"iss":` + id + `,"sub":` + id + `,"aud":` + string(jsonobject.AppendString(nil, r.assertion.Audience)) +
		`,"iat":` + strconv.FormatInt(seconds, 10) + `,"exp":` + strconv.FormatInt(seconds+int64(r.assertion.TTL/time.Second), 10) +
		`,"jti":"` + strconv.FormatUint(r.random(), 36) + "-" + strconv.FormatUint(r.random(), 36) + `"}`)
}

//go:noinline
func appendParameter(b []byte, name, value string) []byte {
	b = append(b, '&')
	b = append(b, name...)
	b = append(b, '=')
	return appendFormEncoded(b, value)
}
