package config

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/tokenrules"
)

// maxTokenRules bounds each list of require_token, which is gone through with
// every request.
const maxTokenRules = 64

var requireTokenMembers = members{names: []string{"issuer", "audience", "client_ids", "scopes", "clock_skew", "token_type", enabled, dryRun, onError}}

// tokenTypeWords say whether the server must say of which type a token is.
var tokenTypeWords = []string{"optional", "required"}

func (r *reader) requireToken(v value, p *plan) {
	var o tokenrules.Options
	ok := r.object(v, &requireTokenMembers, func(name string, v value) {
		switch name {
		case "issuer":
			o.Issuer = r.visible(v)
		case "audience":
			o.Audience = r.visibles(v, maxTokenRules)
		case "client_ids":
			r.list(v, maxTokenRules, func(v value) { o.ClientIDs = append(o.ClientIDs, r.clientID(v)) })
		case "scopes":
			r.list(v, maxTokenRules, func(v value) { o.Scopes = append(o.Scopes, r.scope(v)) })
		case "clock_skew":
			o.Skew = r.duration(v, 0, tokenrules.MaxSkew)
		case "token_type":
			i, _ := r.word(v, tokenTypeWords...)
			o.TypeRequired = i == 1
		default:
			r.common(name, v, p)
		}
	})
	if !ok {
		return
	}
	p.needs, p.cause = introspectToken, requireToken
	p.build = func(*catalog.Catalog, Ports, string) pipeline.Step { return tokenrules.New(o) }
}

func (r *reader) scope(v value) string {
	s, ok := r.text(v)
	if ok && !catalog.ValidScope(s) {
		r.got("must be one scope, without blanks, quotes or backslashes", s)
	}
	return s
}
