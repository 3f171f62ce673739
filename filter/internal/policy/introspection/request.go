package introspection

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
	"github.com/sallyport-gateway/sallyport/filter/internal/secret"
)

const (
	bodyStart = "token="
	bodyEnd   = "&token_type_hint=access_token"
)

// request is what all calls of a step have in common.
type request struct {
	cluster, authority, path string
	timeout                  time.Duration

	auth          ClientAuth
	authorization secret.Value // the whole header value of AuthBasic
	clientID      string
	secret        secret.Value
	assertion     Assertion
	host          jose.Host
	random        func() uint64
}

func newRequest(o Options, p host.Ports) request {
	return request{
		cluster:       o.Cluster,
		authority:     o.Authority,
		path:          o.Path,
		authorization: secret.New(basicCredentials(o.ClientID, o.Secret)),
		timeout:       o.Timeout,
		auth:          o.ClientAuth,
		clientID:      o.ClientID,
		secret:        o.Secret,
		assertion:     o.Assertion,
		host:          p.Host,
		random:        p.Random,
	}
}

// callout is the introspection request for one token (RFC 7662 section 2.1): in
// the body, because URLs end up in logs. It fails when the client cannot
// authenticate itself.
func (r *request) callout(token string, now int64) (c host.Callout, ok bool) {
	body := make([]byte, 0, len(bodyStart)+len(token)+len(token)/4+len(bodyEnd))
	body = append(body, bodyStart...)
	body = appendFormEncoded(body, token)
	body = append(body, bodyEnd...)
	c = host.Callout{
		Cluster:   r.cluster,
		Method:    "POST",
		Authority: r.authority,
		Path:      r.path,
		Headers: []host.Header{
			{Name: "content-type", Value: "application/x-www-form-urlencoded"},
			{Name: "accept", Value: "application/json"},
		},
		Body:    body,
		Timeout: r.timeout,
	}
	ok = r.authenticate(&c, now)
	return c, ok
}

// basicCredentials is an Authorization value as RFC 6749 section 2.3.1
// requires: id and secret are form-encoded each, so that a colon in one cannot
// move the border, and only then joined and put into base64.
func basicCredentials(id string, s secret.Value) string {
	pair := appendFormEncoded(nil, id)
	pair = append(pair, ':')
	pair = appendFormEncoded(pair, s.Reveal())
	return "Basic " + jose.EncodePadded(pair)
}

// appendFormEncoded encodes for application/x-www-form-urlencoded (RFC 6749
// appendix B).
func appendFormEncoded(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
			b = append(b, c)
		case c == '-', c == '.', c == '_', c == '~':
			b = append(b, c)
		case c == ' ':
			b = append(b, '+')
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}
