package config

import (
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/tokenrules"
)

// Bounds and defaults of introspect_token.precheck.
const (
	// Keys change a few times a year; one that is unknown is asked for at once.
	defaultJWKSRefresh = time.Hour
	minJWKSRefresh     = time.Minute
	maxJWKSRefresh     = 24 * time.Hour

	// A key that the issuer withdrew is believed for so long when the issuer
	// cannot be reached.
	defaultJWKSMaxAge = 24 * time.Hour
	minJWKSMaxAge     = time.Minute
	maxJWKSMaxAge     = 7 * 24 * time.Hour

	maxAudiences = 16
)

// The modes, in the order of their words.
const (
	introspectAlways = iota
	jwtThenIntrospect
	jwtOnly
)

var modes = []string{"introspect", "jwt_then_introspect", "jwt_only"}

var (
	precheckMembers = members{names: []string{"mode", "jwks", "issuer", "audience", "algorithms", "clock_skew", "opaque", "typ"}, required: 1}
	jwksMembers     = members{names: []string{"path", "cluster", "authority", "timeout", "refresh", "max_age"}, required: 1}
)

// typWords say which typ the header of a JWT must have.
var typWords = []string{"any", "at+jwt"}

// precheck is what is checked of a token here.
type precheck struct {
	mode    int
	options introspection.Precheck
}

func (r *reader) precheck(v value) (c precheck) {
	o := &c.options
	o.Algorithms = []jose.Algorithm{jose.RS256}
	o.Keys.Timeout, o.Keys.Refresh, o.Keys.MaxAge = defaultTimeout, defaultJWKSRefresh, defaultJWKSMaxAge
	given := map[string]bool{}
	r.object(v, &precheckMembers, func(name string, v value) {
		given[name] = true
		switch name {
		case "mode":
			c.mode, _ = r.word(v, modes...)
		case "jwks":
			r.jwks(v, o)
		case "issuer":
			o.Issuer = r.visible(v)
		case "audience":
			o.Audience = r.visibles(v, maxAudiences)
			if v.isList() && len(o.Audience) == 0 {
				r.problem("must name one audience at least")
			}
		case "algorithms":
			o.Algorithms = r.algorithms(v)
		case "clock_skew":
			o.Skew = r.duration(v, 0, tokenrules.MaxSkew)
		case "opaque":
			i, _ := r.word(v, "introspect", "deny")
			o.DenyOpaque = i == 1
		case "typ":
			i, _ := r.word(v, typWords...)
			o.AccessTokenType = i == 1
		}
	})
	if c.mode != introspectAlways {
		// Without one of these, a token of anybody for anything would pass.
		for _, name := range []string{"jwks", "issuer", "audience"} {
			if !given[name] {
				r.problemAt(name, "is required in mode "+modes[c.mode])
			}
		}
	}
	return c
}

func (r *reader) jwks(v value, o *introspection.Precheck) {
	k := &o.Keys
	r.object(v, &jwksMembers, func(name string, v value) {
		switch name {
		case "path":
			k.Path = r.endpointPath(v)
		case "cluster":
			k.Cluster = r.visible(v)
		case "authority":
			k.Authority = r.authority(v)
		case "timeout":
			k.Timeout = r.duration(v, minTimeout, maxTimeout)
		case "refresh":
			k.Refresh = r.duration(v, minJWKSRefresh, maxJWKSRefresh)
		case "max_age":
			k.MaxAge = r.duration(v, minJWKSMaxAge, maxJWKSMaxAge)
		}
	})
	if k.MaxAge < k.Refresh {
		r.problemAt("max_age", "must not be shorter than refresh, which is "+k.Refresh.String())
	}
}

func (r *reader) algorithms(v value) (list []jose.Algorithm) {
	items := 0
	r.list(v, len(jose.Algorithms), func(v value) {
		items++
		if i, ok := r.word(v, jose.Algorithms...); ok {
			list = append(list, jose.Algorithm(i+1))
		}
	})
	if items == 0 && v.isList() {
		r.problem("must name one of " + strings.Join(jose.Algorithms, " and ") + " at least")
	}
	return list
}
