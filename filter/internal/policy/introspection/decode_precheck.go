package introspection

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/dpop"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/tokenrules"
)

// Bounds and defaults of introspect_token.precheck.
const (
	// Keys change a few times a year; one that is unknown is asked for at once.
	defaultJWKSRefresh = time.Hour
	minJWKSRefresh     = time.Minute
	maxJWKSRefresh     = 24 * time.Hour

	// How long a key that the issuer withdrew is believed when the issuer
	// cannot be reached.
	defaultJWKSMaxAge = 24 * time.Hour
	minJWKSMaxAge     = time.Minute
	maxJWKSMaxAge     = 7 * 24 * time.Hour

	maxPrecheckAudiences = 16
)

// The modes, in the order of their words.
const (
	introspectAlways = iota
	jwtThenIntrospect
	jwtOnly
)

var modes = []string{"introspect", "jwt_then_introspect", "jwt_only"}

var (
	precheckMembers = decode.Members{Names: []string{"mode", "jwks", "issuer", "audience", "algorithms", "clock_skew", "opaque", "typ"}, Required: 1}
	jwksMembers     = decode.Members{Names: []string{"path", "cluster", "authority", "timeout", "refresh", "max_age"}, Required: 1}
)

// typWords say which typ the header of a JWT must have.
var typWords = []string{"any", "at+jwt"}

// decodedPrecheck is what is checked about a token here.
type decodedPrecheck struct {
	mode    int
	options Precheck
}

func decodePrecheck(r *decode.Reader, v decode.Value) (c decodedPrecheck) {
	o := &c.options
	*o = defaultCheck()
	given := map[string]bool{}
	r.Object(v, &precheckMembers, func(name string, v decode.Value) {
		given[name] = true
		switch name {
		case "mode":
			c.mode, _ = r.Word(v, modes...)
		case "opaque":
			i, _ := r.Word(v, "introspect", "deny")
			o.DenyOpaque = i == 1
		default:
			decodeCheck(r, name, v, o)
		}
	})
	if c.mode != introspectAlways {
		// Without one of these, anybody's token for anything would pass.
		for _, name := range []string{"jwks", "issuer", "audience"} {
			if !given[name] {
				r.ProblemAt(name, "is required in mode "+modes[c.mode])
			}
		}
	}
	return c
}

func defaultCheck() (o Precheck) {
	o.Algorithms = []jose.Algorithm{jose.RS256}
	o.Keys.Timeout, o.Keys.Refresh, o.Keys.MaxAge = DefaultTimeout, defaultJWKSRefresh, defaultJWKSMaxAge
	return o
}

// decodeCheck reads what is checked about a JWT, for whichever step.
func decodeCheck(r *decode.Reader, name string, v decode.Value, o *Precheck) {
	switch name {
	case "jwks":
		decodeJwks(r, v, o)
	case "issuer":
		o.Issuer = r.Visible(v)
	case "audience":
		o.Audience = r.Strings(v, maxPrecheckAudiences, r.Visible)
		if v.IsList() && len(o.Audience) == 0 {
			r.Problem("must name at least one audience")
		}
	case "algorithms":
		o.Algorithms = dpop.DecodeAlgorithms(r, v)
	case "clock_skew":
		o.Skew = r.Duration(v, 0, tokenrules.MaxSkew)
	case "typ":
		i, _ := r.Word(v, typWords...)
		o.AccessTokenType = i == 1
	}
}

func decodeJwks(r *decode.Reader, v decode.Value, o *Precheck) {
	k := &o.Keys
	r.Object(v, &jwksMembers, func(name string, v decode.Value) {
		switch name {
		case "path":
			k.Path = r.Path(v)
		case "cluster":
			k.Cluster = r.Visible(v)
		case "authority":
			k.Authority = r.Authority(v)
		case "timeout":
			k.Timeout = r.Duration(v, minTimeout, maxTimeout)
		case "refresh":
			k.Refresh = r.Duration(v, minJWKSRefresh, maxJWKSRefresh)
		case "max_age":
			k.MaxAge = r.Duration(v, minJWKSMaxAge, maxJWKSMaxAge)
		}
	})
	if k.MaxAge < k.Refresh {
		r.ProblemAt("max_age", "must not be shorter than refresh, which is "+k.Refresh.String())
	}
}
