package ipaccess

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

// maxRules bounds the rules: every request goes through them.
const maxRules = 64

var (
	optionMembers = decode.Members{Names: []string{"rules", "default"}, Required: 1}
	ruleMembers   = decode.Members{Names: []string{"allow", "deny"}}

	// defaultWords are in the order of Options.AllowNoMatch.
	defaultWords = []string{"deny", "allow"}
)

// Policy is ip_access.
type Policy struct{}

// Decode implements policy.Kind.
func (*Policy) Decode(r *decode.Reader, v decode.Value, p *policy.Plan) {
	var o Options
	ok := p.Options(r, v, &optionMembers, func(name string, v decode.Value) {
		switch name {
		case "rules":
			o.Rules = rules(r, v)
		case "default":
			i, _ := r.Word(v, defaultWords...)
			o.AllowNoMatch = i == 1
		}
	})
	if ok {
		p.Build = func(*policy.Site) pipeline.Step { return New(o) }
	}
}

// rules reads [{allow: [PREFIX]}, {deny: [PREFIX]}].
func rules(r *decode.Reader, v decode.Value) (rules []Rule) {
	r.List(v, maxRules, func(v decode.Value) {
		count := 0
		var rule Rule
		if !r.Object(v, &ruleMembers, func(name string, v decode.Value) {
			count++
			rule.Allow = name == "allow"
			rule.Prefixes = r.Prefixes(v)
			if len(rule.Prefixes) == 0 && v.IsList() {
				r.Problem("must have at least one address or prefix")
			}
		}) {
			return
		}
		if count != 1 {
			r.Problem("must be either {allow: [...]} or {deny: [...]}; write several rules as several items of the list")
		}
		rules = append(rules, rule)
	})
	return rules
}
