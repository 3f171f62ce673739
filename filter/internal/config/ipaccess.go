package config

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/ipaddr"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/ipaccess"
)

const (
	// maxPrefixes bounds one list of addresses: it is gone through with every request.
	maxPrefixes = 256
	maxIPRules  = 64
	// maxTrustedHops bounds a chain of proxies that all append to X-Forwarded-For.
	maxTrustedHops = 16

	// A customer of a provider has at least a /64 (RFC 6177), and every host in it
	// any number of its addresses (RFC 8981).
	defaultIPv6Prefix = 64
	minIPv6Prefix     = 16
	maxIPv6Prefix     = 128
)

var (
	clientIPMembers = members{names: []string{"trusted_hops", "ipv6_prefix"}}
	ipAccessMembers = members{names: []string{"rules", "default", enabled, dryRun, onError}, required: 1}
	ipRuleMembers   = members{names: []string{"allow", "deny"}}
)

// clientIP reads {trusted_hops: N, ipv6_prefix: N}.
func (r *reader) clientIP(v value, c *Config) {
	r.object(v, &clientIPMembers, func(name string, v value) {
		switch name {
		case "trusted_hops":
			c.TrustedHops = r.integer(v, 0, maxTrustedHops)
		case "ipv6_prefix":
			c.IPv6Prefix = r.integer(v, minIPv6Prefix, maxIPv6Prefix)
		}
	})
}

func (r *reader) ipAccess(v value, p *plan) {
	var o ipaccess.Options
	ok := r.object(v, &ipAccessMembers, func(name string, v value) {
		switch name {
		case "rules":
			o.Rules = r.ipRules(v)
		case "default":
			i, _ := r.word(v, "deny", "allow")
			o.AllowNoMatch = i == 1
		default:
			r.common(name, v, p)
		}
	})
	if !ok {
		return
	}
	p.build = func(*catalog.Catalog, Ports, string) pipeline.Step { return ipaccess.New(o) }
}

// ipRules reads [{allow: [PREFIX]}, {deny: [PREFIX]}].
func (r *reader) ipRules(v value) (rules []ipaccess.Rule) {
	r.list(v, maxIPRules, func(v value) {
		count := 0
		var rule ipaccess.Rule
		if !r.object(v, &ipRuleMembers, func(name string, v value) {
			count++
			rule.Allow = name == "allow"
			rule.Prefixes = r.prefixes(v)
			if len(rule.Prefixes) == 0 && v.isList() {
				r.problem("must have at least one address or prefix")
			}
		}) {
			return
		}
		if count != 1 {
			r.problem("must be either {allow: [...]} or {deny: [...]}; several rules are several items of the list")
		}
		rules = append(rules, rule)
	})
	return rules
}

//go:noinline
func (r *reader) prefixes(v value) (prefixes []ipaddr.Prefix) {
	r.list(v, maxPrefixes, func(v value) {
		var p ipaddr.Prefix
		r.parse(v, func(s string) (err error) {
			p, err = ipaddr.ParsePrefix(s)
			return err
		})
		prefixes = append(prefixes, p)
	})
	return prefixes
}
