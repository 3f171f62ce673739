package introspection

import (
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/sallyport-gateway/sallyport/filter/internal/fault"
	"github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

const (
	// maxTextBytes bounds one string among the claims.
	maxTextBytes = 512
	// maxListValues and maxListBytes bound the audiences, and the scopes.
	maxListValues = 128
	maxListBytes  = 4096
)

// readClaims reads an introspection answer (RFC 7662 section 2.2). A token
// that is not active has no other claims, whatever else was said of it. Members
// that no rule looks at are not read.
func readClaims(body []byte) (claims *pipeline.Claims, reason fault.Reason, ok bool) {
	members, reason, ok := readMembers(body)
	if !ok {
		return nil, reason, false
	}
	active := slices.IndexFunc(members, func(m jsonobject.Member) bool { return m.Name == "active" })
	if active < 0 || !members[active].Value.IsBool() {
		return nil, fault.IntrospectionNoActive, false
	}
	claims = &pipeline.Claims{}
	if members[active].Value.Type == gjson.False {
		return claims, 0, true
	}
	if !readAll(claims, members) {
		return nil, fault.IntrospectionClaimsInvalid, false
	}
	return claims, 0, true
}

// readTokenClaims reads the payload of an access token that is a JWT (RFC 9068
// section 2.2). It is active as far as it says.
func readTokenClaims(payload []byte) (*pipeline.Claims, bool) {
	members, _, ok := readMembers(payload)
	if !ok {
		return nil, false
	}
	claims := &pipeline.Claims{}
	return claims, readAll(claims, members)
}

func readAll(claims *pipeline.Claims, members []jsonobject.Member) bool {
	for _, m := range members {
		if !readClaim(claims, m) {
			return false
		}
	}
	claims.Active = true
	return true
}

// readClaim takes one member over and reports whether it is what it has to be.
// null is not: a claim that is null could mean absent or anything.
func readClaim(c *pipeline.Claims, m jsonobject.Member) (ok bool) {
	switch m.Name {
	case "exp":
		c.Expires, ok = jsonobject.Seconds(m.Value)
		return ok && c.Expires > 0 // 0 would read as no expiry
	case "nbf":
		c.NotBefore, ok = jsonobject.Seconds(m.Value)
		return ok
	case "iss":
		c.Issuer, ok = text(m.Value)
		return ok
	case "sub":
		c.Subject, ok = text(m.Value)
		return ok
	case "token_type":
		c.TokenType, ok = text(m.Value)
		return ok
	case "aud":
		c.Audience, ok = audience(m.Value)
		return ok
	case "client_id", "cid": // Okta's tokens say cid, and two that differ are no answer
		id, ok := text(m.Value)
		if !ok || c.ClientID != "" && c.ClientID != id {
			return false
		}
		c.ClientID = id
	case "scope":
		return readScope(c, m.Value)
	case "scp":
		return readScopes(c, m.Value)
	case "cnf":
		readConfirmation(c, m.Value)
	}
	return true
}

// text reads a string that is neither empty nor too long and has no control
// characters; U+FFFD is what the decoder makes of half a surrogate pair, so two
// different strings could have become one.
//
//go:noinline
func text(v gjson.Result) (string, bool) {
	if v.Type != gjson.String || v.Str == "" || len(v.Str) > maxTextBytes {
		return "", false
	}
	for _, r := range v.Str {
		if r < 0x20 || 0x7f <= r && r <= 0x9f || r == '\uFFFD' {
			return "", false
		}
	}
	// The copy lets go of the rest of the body.
	return strings.Clone(v.Str), true
}

// audience reads a string, or an array of them (RFC 7519 section 4.1.3).
func audience(v gjson.Result) ([]string, bool) {
	if !v.IsArray() {
		one, ok := text(v)
		return []string{one}, ok
	}
	var values []string
	size := 0
	good := eachValue(v, func(element gjson.Result) bool {
		value, ok := text(element)
		size += len(value)
		values = append(values, value)
		return ok && len(values) <= maxListValues && size <= maxListBytes
	})
	return values, good
}

// readScope adds the scopes of a blank-separated string (RFC 6749 section 3.3).
func readScope(c *pipeline.Claims, v gjson.Result) bool {
	if v.Type != gjson.String || len(v.Str) > maxListBytes {
		return false
	}
	for scope, rest, more := "", v.Str, true; more; {
		scope, rest, more = strings.Cut(rest, " ")
		if scope != "" && !addScope(c, scope) {
			return false
		}
	}
	return true
}

// readScopes adds the scopes of an array, as Okta's tokens have them.
func readScopes(c *pipeline.Claims, v gjson.Result) bool {
	return v.IsArray() && eachValue(v, func(element gjson.Result) bool {
		return element.Type == gjson.String && addScope(c, element.Str)
	})
}

// addScope adds one scope-token (RFC 6749 section 3.3) that is not there yet.
// A blank inside would make two of it where scopes are joined again.
func addScope(c *pipeline.Claims, scope string) bool {
	for i := 0; i < len(scope); i++ {
		if b := scope[i]; b <= 0x20 || b >= 0x7f || b == '"' || b == '\\' {
			return false
		}
	}
	if scope == "" || len(scope) > maxTextBytes {
		return false
	}
	size := len(scope)
	for _, have := range c.Scopes {
		if have == scope {
			return true
		}
		size += len(have)
	}
	c.Scopes = append(c.Scopes, strings.Clone(scope))
	return len(c.Scopes) <= maxListValues && size <= maxListBytes
}

// eachValue reports whether take accepts every element of an array.
func eachValue(array gjson.Result, take func(gjson.Result) bool) bool {
	good := true
	array.ForEach(func(_, element gjson.Result) bool {
		good = take(element)
		return good
	})
	return good
}
