package catalog

import "slices"

// product is a Product with its patterns compiled.
type product struct {
	Product
	grantsAPI []apiGrant // empty means any API
}

type apiGrant struct {
	name, version string
	operations    []operation // empty means all
}

type operation struct {
	path    pattern
	methods []string
}

func (p *product) grants(r *request) bool {
	if len(p.grantsAPI) == 0 {
		return true
	}
	for i := range p.grantsAPI {
		if p.grantsAPI[i].allows(r) {
			return true
		}
	}
	return false
}

func (g *apiGrant) allows(r *request) bool {
	if g.name != r.api || g.version != "" && g.version != r.version {
		return false
	}
	if len(g.operations) == 0 {
		return true
	}
	for i := range g.operations {
		o := &g.operations[i]
		if (len(o.methods) == 0 || slices.Contains(o.methods, r.method)) && o.path.matches(r.path, r.folded) {
			return true
		}
	}
	return false
}
