package introspection

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/dpop"
)

// Without one of the first three, anybody's token for anything would pass.
var jwtMembers = decode.Members{Names: []string{"jwks", "issuer", "audience", "algorithms", "clock_skew", "typ", "dpop"}, Required: 3}

// JWT is verify_jwt.
type JWT struct{}

// Decode implements policy.Kind.
func (*JWT) Decode(r *decode.Reader, v decode.Value, p *policy.Plan) {
	o := defaultCheck()
	var b Binding
	given := false
	if !p.Options(r, v, &jwtMembers, func(name string, v decode.Value) {
		given = given || name == "jwks"
		if name == "dpop" {
			b.DPoP, b.Required = dpop.Decode(r, v)
			return
		}
		decodeCheck(r, name, v, &o)
	}) {
		return
	}
	if given {
		if o.Keys.Cluster == "" {
			r.ProblemAt("jwks.cluster", "is required")
		}
		if o.Keys.Authority == "" {
			r.ProblemAt("jwks.authority", "is required")
		}
	}
	p.Wait = o.Keys.Timeout
	p.Build = func(site *policy.Site) pipeline.Step { return NewJWT(o, b, site.Ports) }
}
