package apigee

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/proxy"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/report"
)

// product gives the product's node if it grants access to any of the proxy.
func (c *Catalog) product(p *exportedProduct, i *importer, apis []string) (n *yaml.Node, ok bool) {
	name := i.proxy.Name
	contains := func(list []string) bool { return len(list) == 0 || slices.Contains(list, name) }
	if len(p.Environments) > 0 {
		if i.options.Environment == "" {
			i.problem(proxy.Place{File: "the export of products", Line: 1}, "the product %q is for some environments only: name the one to migrate with --environment", p.Name)
			return nil, false
		}
		if !slices.Contains(p.Environments, i.options.Environment) {
			return nil, false
		}
	}
	var operations []*yaml.Node
	whole, left := false, 0
	add := func(resource string, methods []string) {
		if len(resource) == 0 || !goodResource(resource) {
			left++
			return
		}
		o := mapping("path", resource)
		if len(methods) > 0 {
			for _, m := range methods {
				if !regexp.MustCompile(`^[A-Z]{1,32}$`).MatchString(m) {
					left++
					return
				}
			}
			put(o, "methods", methods)
		}
		operations = append(operations, flow(o))
	}
	switch {
	case p.Operations != nil && len(p.Operations.Configs) > 0:
		for _, config := range p.Operations.Configs {
			if config.Source != name {
				continue
			}
			whole = whole || len(config.Operations) == 0
			for _, o := range config.Operations {
				add(o.Resource, o.Methods)
			}
		}
	case p.GraphQL != nil || p.GRPC != nil || p.LLM != nil:
		i.fromExport("product", p.Name, report.Dropped, "it grants operations of GraphQL, gRPC or a model, which the filter does not distinguish; it lets nobody through")
		return nil, false
	case contains(p.Proxies):
		whole = len(p.APIResources) == 0
		for _, r := range p.APIResources {
			add(r, nil)
		}
	}
	if left > 0 {
		i.fromExport("product", p.Name, report.Differs, fmt.Sprintf("resources that are not valid patterns for the filter and are not granted: %d", left))
	}
	if !whole && len(operations) == 0 {
		return nil, false
	}
	n = mapping("name", p.Name)
	grants := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for _, api := range apis {
		g := mapping("name", api)
		if !whole {
			put(g, "operations", list(operations...))
		}
		grants.Content = append(grants.Content, g)
	}
	put(n, "apis", grants)
	if slices.ContainsFunc(i.apis, func(a *api) bool { return len(a.token.scopes) > 0 }) && len(p.Scopes) > 0 {
		put(n, "scopes", p.Scopes)
	}
	putAttributes(n, p.Attributes, c.productAttributes)
	return n, !c.quotas || c.putQuota(n, p, i)
}

// putQuota adds the product's own limit, if it has one.
func (c *Catalog) putQuota(n *yaml.Node, p *exportedProduct, i *importer) bool {
	unit := slices.IndexFunc(units, func(u struct {
		name    string
		seconds int
	}) bool {
		return strings.EqualFold(u.name, p.Unit)
	})
	if p.Quota == 0 || p.Interval == 0 || unit < 0 {
		i.fromExport("product", p.Name, report.Dropped, "it has no quota that the filter counts, and the proxy requires one; it lets nobody through")
		return false
	}
	var d differences
	limit, unit := stricter(int(p.Quota), int(p.Interval), unit, &d)
	if len(d) > 0 {
		i.fromExport("product", p.Name, report.Differs, strings.Join(d, "; "))
	}
	put(n, "quota", flow(mapping("limit", limit, "interval", units[unit].name)))
	return true
}

func putAttributes(n *yaml.Node, have attributes, wanted []string) {
	m := mapping()
	for _, a := range have {
		if slices.Contains(wanted, a.Name) && a.Value != "" {
			put(m, a.Name, a.Value)
		}
	}
	if len(m.Content) > 0 {
		put(n, "attributes", m)
	}
}

// goodResource is a pattern that the catalog accepts.
func goodResource(s string) bool {
	if !regexp.MustCompile(`^/[A-Za-z0-9/*._~-]*$`).MatchString(s) || strings.Contains(s, "//") {
		return false
	}
	levels := strings.Split(s[1:], "/")
	for n, level := range levels {
		if level == "." || level == ".." || strings.Contains(level, "*") && level != "*" && (level != "**" || n != len(levels)-1) {
			return false
		}
	}
	return true
}
