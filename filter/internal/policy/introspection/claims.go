package introspection

import (
	"slices"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

const (
	// maxTextBytes bounds one string among the claims, and one scope.
	maxTextBytes = 512
	// maxAudiences and maxAudienceBytes bound the audiences.
	maxAudiences     = 128
	maxAudienceBytes = 8 << 10
	// maxScopes and maxScopeBytes bound the scopes as they are listed,
	// including repeated ones: finding those takes quadratic time.
	maxScopes     = 512
	maxScopeBytes = 16 << 10
)

// readClaims reads an introspection answer (RFC 7662 section 2.2). A token that
// is not active has no other claims, whatever else was said about it. Members
// that no rule looks at are not read.
func readClaims(body []byte) (claims *pipeline.Claims, reason denial.Reason, ok bool) {
	members, f := readMembers(body)
	if f != sound {
		return nil, f.ofAnswer(), false
	}
	active := slices.IndexFunc(members, func(m jsonobject.Member) bool { return m.Name == "active" })
	if active < 0 || !members[active].Value.IsBool() {
		return nil, denial.IntrospectionNoActive, false
	}
	claims = &pipeline.Claims{}
	if members[active].Value == "false" {
		return claims, 0, true
	}
	r := reading{c: claims}
	if f := r.all(members); f != sound {
		return nil, f.ofAnswer(), false
	}
	return claims, 0, true
}

// readTokenClaims reads the payload of a JWT that is to be an access token (RFC
// 9068 section 2.2). It is active as far as it says. atJWT reports that its
// header says so.
func readTokenClaims(payload []byte, atJWT bool) (claims *pipeline.Claims, reason denial.Reason, ok bool) {
	members, f := readMembers(payload)
	claims = &pipeline.Claims{}
	if f == sound {
		r := reading{c: claims, token: true, kind: kindSigns{access: atJWT}}
		f = r.all(members)
	}
	if f != sound {
		return nil, f.ofToken(), false
	}
	return claims, 0, true
}

// reading is the way from members to claims.
type reading struct {
	c     *pipeline.Claims
	token bool // the members are a JWT's own
	kind  kindSigns

	// What counts only if client_id and scope are absent: other servers use
	// these names for anything.
	cid, azp, scp jsonobject.Value
}

func (r *reading) all(members []jsonobject.Member) flaw {
	for i := range members {
		if f := r.claim(members[i].Name, members[i].Value); f != sound {
			return f
		}
	}
	if f := r.substitutes(); f != sound {
		return f
	}
	r.kind.conclude(r.c)
	r.c.Active = true
	return sound
}

// absent reports whether an optional member says nothing: many servers always
// write all members, with null or "" where they have nothing to say.
func absent(v jsonobject.Value) bool {
	return v == "" || v.IsNull() || v == `""`
}

// claim reads one member. Only exp is never absent once it is there: the token
// would not end.
func (r *reading) claim(name string, v jsonobject.Value) flaw {
	c := r.c
	if name == "exp" {
		return r.expiry(v)
	}
	if absent(v) {
		return sound
	}
	switch name {
	case "nbf":
		return r.notBefore(v)
	case "iss":
		return text(v, &c.Issuer)
	case "sub":
		return text(v, &c.Subject)
	case "token_type":
		r.kind.access = true
		return text(v, &c.TokenType)
	case "aud":
		return readAudience(c, v)
	case "client_id":
		return text(v, &c.ClientID)
	case "scope":
		// Tokens of ForgeRock and Spring have a list here; an answer has none.
		if r.token && v.IsList() {
			return readScopes(c, v)
		}
		return readScope(c, v)
	case "cid": // Okta's tokens say cid
		r.cid = v
	case "azp":
		r.azp = v
	case "scp": // Okta's and Entra's tokens say scp
		r.scp = v
	case "cnf":
		readConfirmation(c, v)
	default:
		r.kind.note(name, v)
	}
	return sound
}

// expiry cuts a fraction off, so that a token ends before its time rather than
// after it. 0 would read as no expiry.
func (r *reading) expiry(v jsonobject.Value) flaw {
	seconds, _, ok := jsonobject.NumericDate(v)
	if !ok || seconds == 0 {
		return wrongForm
	}
	r.c.Expires = seconds
	return sound
}

// notBefore rounds a fraction up, for the same reason.
func (r *reading) notBefore(v jsonobject.Value) flaw {
	seconds, fraction, ok := jsonobject.NumericDate(v)
	if !ok {
		return wrongForm
	}
	if fraction {
		seconds++
	}
	r.c.NotBefore = seconds
	return sound
}

// substitutes reads what stands for client_id and scope where these are absent.
// azp is the client of a JWT that speaks for itself (OpenID Connect Core
// section 2; Keycloak, Auth0, Entra); one that is not text names nobody.
func (r *reading) substitutes() flaw {
	c := r.c
	if c.ClientID == "" && !absent(r.cid) {
		if f := text(r.cid, &c.ClientID); f != sound {
			return f
		}
	}
	r.kind.access = r.kind.access || c.ClientID != "" || len(c.Scopes) > 0
	if c.ClientID == "" && r.token && !absent(r.azp) {
		text(r.azp, &c.ClientID)
	}
	if len(c.Scopes) > 0 || absent(r.scp) {
		return sound
	}
	r.kind.access = true
	if r.scp.IsList() {
		return readScopes(c, r.scp)
	}
	return readScope(c, r.scp)
}

// text reads a string that is neither empty nor too long and has no control
// characters; U+FFFD is what the decoder makes of half a surrogate pair, so two
// different strings could have become one. With a flaw, *to is left as it was.
func text(v jsonobject.Value, to *string) flaw {
	s := v.Content()
	if s == "" {
		return wrongForm
	}
	if len(s) > maxTextBytes {
		return textTooLong
	}
	for _, r := range s {
		if r < 0x20 || 0x7f <= r && r <= 0x9f || r == '\uFFFD' {
			return wrongForm
		}
	}
	// The copy lets the rest of the body be freed.
	*to = strings.Clone(s)
	return sound
}

// readAudience reads a string, or an array of them (RFC 7519 section 4.1.3).
func readAudience(c *pipeline.Claims, v jsonobject.Value) flaw {
	size := 0
	add := func(element jsonobject.Value) flaw {
		var value string
		f := text(element, &value)
		size += len(value)
		if len(c.Audience) == maxAudiences || size > maxAudienceBytes {
			return tooManyAudiences
		}
		c.Audience = append(c.Audience, value)
		return f
	}
	if !v.IsList() {
		return add(v)
	}
	return eachValue(v, add)
}

// readScope adds the scopes of a blank-separated string (RFC 6749 section 3.3).
func readScope(c *pipeline.Claims, v jsonobject.Value) flaw {
	if !v.IsString() {
		return wrongForm
	}
	s := scopes{c: c}
	var scope string
	for rest, more := v.Content(), true; more; {
		scope, rest, more = strings.Cut(rest, " ")
		if scope == "" {
			continue
		}
		if f := s.add(scope); f != sound {
			return f
		}
	}
	return sound
}

// readScopes adds the scopes of an array, as Okta's tokens have them.
func readScopes(c *pipeline.Claims, v jsonobject.Value) flaw {
	s := scopes{c: c}
	return eachValue(v, func(element jsonobject.Value) flaw {
		if !element.IsString() {
			return wrongForm
		}
		return s.add(element.Content())
	})
}

// scopes collects scopes.
type scopes struct {
	c           *pipeline.Claims
	count, size int // of all that came, repeats included
}

// add adds one scope-token (RFC 6749 section 3.3) unless it is there. A blank
// inside would make two of it when scopes are joined again.
func (s *scopes) add(scope string) flaw {
	for i := 0; i < len(scope); i++ {
		if b := scope[i]; b <= 0x20 || b >= 0x7f || b == '"' || b == '\\' {
			return wrongForm
		}
	}
	s.count++
	s.size += len(scope)
	switch {
	case scope == "":
		return wrongForm
	case len(scope) > maxTextBytes:
		return textTooLong
	case s.count > maxScopes || s.size > maxScopeBytes:
		return tooManyScopes
	case !slices.Contains(s.c.Scopes, scope):
		s.c.Scopes = append(s.c.Scopes, strings.Clone(scope))
	}
	return sound
}

// eachValue is sound when take finds every element of an array sound.
func eachValue(array jsonobject.Value, take func(jsonobject.Value) flaw) flaw {
	f := sound
	array.Each(func(_ string, element jsonobject.Value) bool {
		f = take(element)
		return f == sound
	})
	return f
}
