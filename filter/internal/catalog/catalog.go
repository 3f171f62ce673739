// Package catalog knows which app may call what: APIs, products, apps and
// their keys. It is built once from configuration and never changes.
package catalog

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/ipaddr"
)

// API is one API behind the gateway.
type API struct {
	Name, Version string

	// Hosts are names without a port, or "*." and a name for every name below
	// it; empty means any host.
	Hosts []string

	// BasePath begins with "/" and ends without one, unless it is "/" alone.
	BasePath string
}

// Operation is a path pattern and the methods it goes with. See pattern for
// what a pattern may say.
type Operation struct {
	Path    string
	Methods []string // upper case; empty means all
}

// ProductAPI grants an API, or some operations of it.
type ProductAPI struct {
	Name       string
	Version    string      // "" means any version
	Operations []Operation // empty means all
}

// Product bundles what an app can be granted.
type Product struct {
	Name   string
	APIs   []ProductAPI // empty means any API
	Scopes []string     // a token must have at least one of them, unless empty
	// Attributes are the operator's own words about it.
	Attributes map[string]string
}

// Status is how far an app or a key is approved. The zero value is not
// approved.
type Status uint8

const (
	NotApproved Status = iota
	Approved
	Pending
	Revoked
)

// Key is one credential of an app. The key itself is known only to its owner.
type Key struct {
	_       [0]func() // not comparable: an unused == costs the guest code
	ID      string
	SHA256  [32]byte
	Status  Status
	Expires int64 // unix seconds, 0 means never
}

// App is who calls: it holds keys and is granted products.
type App struct {
	Name, Developer string
	Status          Status
	Products        []string        // names, in the order in which they are tried
	TokenClients    []string        // OAuth clients whose tokens may come with a key; empty means any
	AllowedIPs      []ipaddr.Prefix // of the clients; empty means any
	Keys            []Key
	Attributes      map[string]string // the operator's own words about it

	granted []*product // the Products, looked up; an app not made by New has none
}

// Catalog answers what a request addresses and who may call it. It is
// immutable and safe for any number of readers.
type Catalog struct {
	apis   []API
	apps   []App
	byHost hostTable
	keys   keyTable

	casedPatterns bool // a pattern differs from its fold
}

// New checks and compiles a catalog; see Compile. With any problem there is no
// catalog.
func New(apis []API, products []Product, apps []App) (*Catalog, []decode.Problem) {
	var problems decode.Problems
	return Compile(&problems, apis, products, apps), problems.All()
}

// Compile checks and compiles a catalog, and adds to problems what is wrong,
// with paths as in the configuration: apis[0].base_path. It takes ownership of
// the other arguments, and returns nil when problems is not empty at the end.
func Compile(problems *decode.Problems, apis []API, products []Product, apps []App) *Catalog {
	ch := checker{problems: problems}
	ch.apis(apis)
	c := &Catalog{apis: apis, apps: apps, byHost: newHostTable(apis, &ch)}
	ch.apps(apps, ch.products(products, apis))
	c.keys = newKeyTable(apps, &ch)
	c.casedPatterns = ch.casedPatterns
	if !problems.Empty() {
		return nil
	}
	return c
}

// APIAt gives the API of an index from ResolveAPI.
func (c *Catalog) APIAt(index int) API { return c.apis[index] }

// APICount is the number of APIs; their indexes are below it.
func (c *Catalog) APICount() int { return len(c.apis) }

// Grant gives the first product, in the app's order, that grants the operation
// of the API; suffix is the path below the API's base path. A path that can be
// read in several ways is granted only when all readings lead to one product.
func (c *Catalog) Grant(app *App, api, version, method, suffix string) (granted *Product, ok bool) {
	kind := kindOf(suffix)
	if app == nil || kind == ambiguousPath || kind == encodedPath && AmbiguousPath(suffix) {
		return nil, false
	}
	decoded := suffix
	if kind == encodedPath {
		decoded = decodePath(suffix)
	}
	p := app.grant(request{api: api, version: version, method: method, path: decoded})
	if p == nil {
		return nil, false
	}
	// What a pattern matches, its fold matches folded, except for parameters.
	if kind == plainPath && !c.casedPatterns || p == app.granted[0] && (kind != encodedPath || !strings.Contains(decoded, ";")) {
		return &p.Product, true
	}
	folded, ok := suffix, true
	if kind != plainPath {
		folded, ok = fold(suffix)
	}
	if !ok || app.grant(request{api: api, version: version, method: method, path: folded, folded: true}) != p {
		return nil, false
	}
	return &p.Product, true
}

// request is what a product may grant. folded reports whether its path is
// folded.
type request struct {
	api, version, method, path string
	folded                     bool
}

func (a *App) grant(r request) *product {
	for _, p := range a.granted {
		if p.grants(&r) {
			return p
		}
	}
	return nil
}
