package config

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection"
)

// Bounds and defaults of introspect_token.private_key. Okta takes assertions
// that live an hour at most.
const (
	defaultAssertionTTL = time.Minute
	minAssertionTTL     = 10 * time.Second
	maxAssertionTTL     = time.Hour
)

var (
	clientAuthWords = []string{"basic", "client_secret_post", "private_key_jwt", "none"}

	// credentialsOf lists, by introspection.ClientAuth, the members that it needs.
	credentialsOf = [...][]string{
		introspection.AuthBasic:         {"client_id", "client_secret"},
		introspection.AuthPost:          {"client_id", "client_secret"},
		introspection.AuthPrivateKeyJWT: {"client_id", "private_key"},
		introspection.AuthNone:          {},
	}
	privateKeyMembers = members{names: []string{"key", "key_id", "audience", "ttl"}, required: 1, private: true}
)

func (r *reader) clientAuth(v value, o *introspection.Options) {
	if i, ok := r.word(v, clientAuthWords...); ok {
		o.ClientAuth = introspection.ClientAuth(i)
	}
}

func (r *reader) privateKey(v value, o *introspection.Options) {
	o.Assertion.TTL = defaultAssertionTTL
	r.object(v, &privateKeyMembers, func(name string, v value) {
		switch name {
		case "key":
			r.secretText(v, func(text, where string) {
				key, err := jose.ParsePrivateKey(text)
				if err != nil {
					r.problem("must be an RSA key of 2048 to 4096 bits or a P-256 key, in PEM and not encrypted, or as a JWK" + where)
				}
				o.Assertion.Key = key
			})
		case "key_id":
			o.Assertion.KeyID = r.visible(v)
		case "audience":
			o.Assertion.Audience = r.visible(v)
		case "ttl":
			o.Assertion.TTL = r.duration(v, minAssertionTTL, maxAssertionTTL)
		}
	})
}

// checkCredentials refuses what the chosen way of authentication has no use for:
// whoever wrote it meant another one.
func (r *reader) checkCredentials(given map[string]bool, o *introspection.Options) {
	for _, name := range []string{"client_secret", "private_key"} {
		if given[name] && indexOf(credentialsOf[o.ClientAuth], name) < 0 {
			r.problemAt(name, "has no use with client_auth "+clientAuthWords[o.ClientAuth])
		}
	}
	if o.Assertion.Audience == "" {
		o.Assertion.Audience = "https://" + o.Authority + o.Path
	}
}
