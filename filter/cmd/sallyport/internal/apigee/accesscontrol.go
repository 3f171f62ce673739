package apigee

import (
	"net/netip"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/xmltree"
)

func (a *api) accessControl(v visit) {
	var d differences
	v.goesOn(&d)
	rules := v.policy.XML.Child("IPRules")
	var nodes []*yaml.Node
	addresses := 0
	for _, rule := range rules.All("MatchRule") {
		action := strings.ToLower(rule.Attr("action"))
		var prefixes []string
		for _, s := range rule.All("SourceAddress") {
			p, ok := prefix(s)
			if !ok {
				a.deny(v, "an address or mask that cannot be read, or is in a variable", "ip_access with the addresses written out")
				return
			}
			prefixes = append(prefixes, p)
		}
		addresses += len(prefixes)
		if action != "allow" && action != "deny" || len(prefixes) == 0 {
			a.deny(v, "a rule without action or address", "fix the policy")
			return
		}
		nodes = append(nodes, flow(mapping(action, prefixes)))
	}
	byDefault := "allow"
	switch strings.ToUpper(rules.Attr("noRuleMatchAction")) {
	case "ALLOW", "":
	case "DENY":
		byDefault = "deny"
	default:
		a.deny(v, "noRuleMatchAction is neither ALLOW nor DENY", "fix the policy")
		return
	}
	const maxRules, maxPrefixes = 64, 256
	if rules == nil || len(nodes) == 0 || len(nodes) > maxRules || addresses > maxPrefixes {
		a.deny(v, "no rule, or more than the filter accepts", "Envoy's RBAC filter")
		return
	}
	if v.policy.XML.Child("ClientIPVariable") != nil {
		d.add("the address is that of client_ip, not of a variable")
	}
	d.add("the address is the one that Envoy sees; behind a balancer set client_ip.trusted_hops")
	said := v.say(a.context)
	a.inexact(said.Exact, &d)
	a.failing("acl", v)
	a.add(v, step{name: "ip_access", options: mapping("rules", list(nodes...), "default", byDefault)}, said)
	a.carried(v, d)
}

// prefix reads <SourceAddress mask="24">198.51.100.1</SourceAddress>.
func prefix(n *xmltree.Node) (string, bool) {
	address, err := netip.ParseAddr(n.Text)
	if err != nil || address.Zone() != "" {
		return "", false
	}
	bits := address.BitLen()
	if m := strings.TrimSpace(n.Attr("mask")); m != "" {
		if bits, err = strconv.Atoi(m); err != nil {
			return "", false
		}
	}
	p, err := address.Prefix(bits)
	if err != nil {
		return "", false
	}
	return p.String(), true
}
