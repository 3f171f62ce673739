package config

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/identity"
	"github.com/sallyport-gateway/sallyport/filter/internal/problem"
)

const maxHeaderName = 128

// connectionHeaders belong to a connection or to the message's framing: hosts
// own them (RFC 9110 section 7.6.1, RFC 9113 section 8.2.2).
var connectionHeaders = []string{
	"connection", "content-length", "expect", "host", "http2-settings", "keep-alive", "proxy-authenticate",
	"proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
}

// noKeyHeaders carry other things than a key, which its removal would take away.
var noKeyHeaders = append([]string{"authorization", "cookie", "forwarded", "via", "x-request-id"}, connectionHeaders...)

// noIdentityHeaders mean something else to a backend or to the host.
var noIdentityHeaders = append([]string{
	"accept", "accept-encoding", "authorization", "content-encoding", "content-type", "cookie", "date", "forwarded", "origin",
	"set-cookie", "user-agent", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-request-id",
}, connectionHeaders...)

// hostPrefix is the host's own: such a header can steer Envoy.
const hostPrefix = "x-envoy-"

// headerName reads the name of a header and makes it lower case.
func (r *reader) headerName(v value, refused []string) string {
	s, ok := r.text(v)
	if !ok {
		return ""
	}
	valid := s != "" && len(s) <= maxHeaderName
	for _, c := range []byte(s) {
		valid = valid && (isAlphanumeric(c) || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0)
	}
	if !valid {
		r.got("must be the name of a header", s)
		return ""
	}
	name := ascii.Lower(s)
	if indexOf(refused, name) >= 0 || strings.HasPrefix(name, hostPrefix) {
		r.problem("must be a header without another meaning, got " + problem.Quote(s) + `; use one such as "x-api-key"`)
		return ""
	}
	return name
}

var identityMembers = members{names: []string{"app", "developer", "product", "subject", "client_id", "scopes"}}

// identityHeaders changes the headers that are given; "" means not to send one.
func (r *reader) identityHeaders(v value, h *identity.Headers) {
	r.object(v, &identityMembers, func(name string, v value) {
		header := headerOf(h, indexOf(identityMembers.names, name))
		*header = ""
		if v != `""` {
			*header = r.headerName(v, noIdentityHeaders)
		}
	})
}

// headerOf gives the header of a member of identityMembers.
func headerOf(h *identity.Headers, i int) *string {
	return [...]*string{&h.App, &h.Developer, &h.Product, &h.Subject, &h.ClientID, &h.Scopes}[i]
}

// keyHeaders are the headers in which any of the sequences looks for a key.
//
//go:noinline
func keyHeaders(sequences []*sequence) (headers []string) {
	for _, s := range sequences {
		if s == nil {
			continue
		}
		for _, place := range s.keyPlaces {
			if place.Header != "" && indexOf(headers, place.Header) < 0 {
				headers = append(headers, place.Header)
			}
		}
	}
	return headers
}

// checkIdentity refuses one header for two things. Backends that make variables
// of names must not be able to mix them up either.
// It adds those headers to the names that trailers may not have.
func (r *reader) checkIdentity(c *Config) {
	taken := map[string]string{}
	for _, key := range c.NoTrailers {
		taken[ascii.Variable(key)] = "a place of the API key"
	}
	for i, member := range identityMembers.names {
		header := *headerOf(&c.Identity, i)
		if header == "" {
			continue
		}
		folded := ascii.Variable(header)
		if other, ok := taken[folded]; ok {
			r.problemAt("identity_headers."+member, "must be a header of its own, got "+problem.Quote(header)+", which is "+other)
			continue
		}
		taken[folded] = "the one of " + member
		c.NoTrailers = append(c.NoTrailers, header)
	}
}
