package tokenrules

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

// maxRules bounds each list of require_token, which every request goes through.
const maxRules = 64

var (
	optionMembers = decode.Members{Names: []string{"issuer", "audience", "client_ids", "scopes", "clock_skew", "token_type"}}

	// typeWords are in the order of Options.TypeRequired.
	typeWords = []string{"optional", "required"}
)

// Policy is require_token.
type Policy struct{}

// Decode implements policy.Kind.
func (*Policy) Decode(r *decode.Reader, v decode.Value, p *policy.Plan) {
	var o Options
	ok := p.Options(r, v, &optionMembers, func(name string, v decode.Value) {
		switch name {
		case "issuer":
			o.Issuer = r.Visible(v)
		case "audience":
			o.Audience = r.Strings(v, maxRules, r.Visible)
		case "client_ids":
			o.ClientIDs = r.Strings(v, maxRules, r.Printable)
		case "scopes":
			o.Scopes = r.Strings(v, maxRules, func(v decode.Value) string { return scope(r, v) })
		case "clock_skew":
			o.Skew = r.Duration(v, 0, MaxSkew)
		case "token_type":
			i, _ := r.Word(v, typeWords...)
			o.TypeRequired = i == 1
		}
	})
	if !ok {
		return
	}
	p.Needs, p.Cause = policy.Token, name
	p.HoldsToCatalog = true
	p.Build = func(site *policy.Site) pipeline.Step {
		own := o
		own.ForSome = site.TokenForSome
		return New(own)
	}
}

func scope(r *decode.Reader, v decode.Value) string {
	s, ok := r.Text(v)
	if ok && !catalog.ValidScope(s) {
		r.Got("must be one scope, without blanks, quotes or backslashes", s)
	}
	return s
}
