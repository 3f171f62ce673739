package introspection

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
)

// Bounds and defaults of introspect_token.private_key. Okta takes assertions
// that live at most an hour.
const (
	defaultAssertionTTL = time.Minute
	minAssertionTTL     = 10 * time.Second
	maxAssertionTTL     = time.Hour
)

var (
	clientAuthWords = []string{"basic", "client_secret_post", "private_key_jwt", "none"}

	// credentialsOf lists, by ClientAuth, the members that it needs.
	credentialsOf = [...][]string{
		AuthBasic:         {"client_id", "client_secret"},
		AuthPost:          {"client_id", "client_secret"},
		AuthPrivateKeyJWT: {"client_id", "private_key"},
		AuthNone:          {},
	}
	privateKeyMembers = decode.Members{Names: []string{"key", "key_id", "audience", "ttl"}, Required: 1, Private: true}
)

func decodeClientAuth(r *decode.Reader, v decode.Value, o *Options) {
	if i, ok := r.Word(v, clientAuthWords...); ok {
		o.ClientAuth = ClientAuth(i)
	}
}

func decodePrivateKey(r *decode.Reader, v decode.Value, o *Options) {
	o.Assertion.TTL = defaultAssertionTTL
	r.Object(v, &privateKeyMembers, func(name string, v decode.Value) {
		switch name {
		case "key":
			r.SecretText(v, func(text, where string) {
				key, err := jose.ParsePrivateKey(text)
				if err != nil {
					r.Problem("must be an RSA key of 2048 to 4096 bits or a P-256 key, in PEM and not encrypted, or as a JWK" + where)
				}
				o.Assertion.Key = key
			})
		case "key_id":
			o.Assertion.KeyID = r.Visible(v)
		case "audience":
			o.Assertion.Audience = r.Visible(v)
		case "ttl":
			o.Assertion.TTL = r.Duration(v, minAssertionTTL, maxAssertionTTL)
		}
	})
}

// checkCredentials refuses what the chosen way of authentication does not use:
// whoever wrote it meant another one.
func checkCredentials(r *decode.Reader, given map[string]bool, o *Options) {
	for _, name := range []string{"client_secret", "private_key"} {
		if given[name] && decode.IndexOf(credentialsOf[o.ClientAuth], name) < 0 {
			r.ProblemAt(name, "is not used with client_auth "+clientAuthWords[o.ClientAuth])
		}
	}
	if o.Assertion.Audience == "" {
		o.Assertion.Audience = "https://" + o.Authority + o.Path
	}
}
