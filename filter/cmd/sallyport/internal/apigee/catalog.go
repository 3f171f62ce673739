package apigee

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/proxy"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/report"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apikey"
)

const (
	// maxExport bounds a file of the management API.
	maxExport = 64 << 20
	// A key that ends this soon is not worth carrying over: check warns of it.
	endsSoon = 14 * 24 * time.Hour
)

// Catalog is what the management API exports, as far as the filter needs it. It
// has the hashes of keys, and no key.
type Catalog struct {
	products   []exportedProduct
	apps       []exportedApp
	developers map[string]exportedDeveloper // by id and by email; nil when not known
	now        time.Time

	appAttributes, productAttributes []string // that headers are set from
	quotas                           bool     // products say how many calls there may be
}

type attributes []struct{ Name, Value string }

type exportedProduct struct {
	Name         string
	Proxies      []string
	Environments []string
	APIResources []string `json:"apiResources"`
	Scopes       []string
	Attributes   attributes
	Quota        number `json:"quota"`
	Interval     number `json:"quotaInterval"`
	Unit         string `json:"quotaTimeUnit"`
	Operations   *struct {
		Configs []struct {
			Source     string `json:"apiSource"`
			Operations []struct {
				Resource string
				Methods  []string
			}
		} `json:"operationConfigs"`
	} `json:"operationGroup"`
	GraphQL json.RawMessage `json:"graphqlOperationGroup"`
	GRPC    json.RawMessage `json:"grpcOperationGroup"`
	LLM     json.RawMessage `json:"llmOperationGroup"`
}

type exportedApp struct {
	Name, Status string
	AppID        string `json:"appId"`
	DeveloperID  string `json:"developerId"`
	Email        string `json:"developerEmail"`
	Company      string `json:"companyName"`
	Group        string `json:"appGroup"`
	Attributes   attributes
	Credentials  []credential
}

// credential holds a key's hash in the key's place.
type credential struct {
	Key      hashed `json:"consumerKey"`
	Status   string
	Expires  json.Number `json:"expiresAt"`
	Products []struct {
		Name   string `json:"apiproduct"`
		Status string
	} `json:"apiProducts"`
}

type exportedDeveloper struct {
	ID     string `json:"developerId"`
	Email  string
	Status string
}

// hashed is a key that was replaced by its SHA-256 when it was read.
type hashed struct {
	sha256 string
	fit    bool // the filter could take such a key
}

// number is one that may stand in quotes; 0 for none.
type number int

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(text []byte) error {
	value, err := strconv.Atoi(strings.Trim(string(text), `"`))
	if err != nil || value < 0 {
		value = 0
	}
	*n = number(value)
	return nil
}

// UnmarshalJSON implements json.Unmarshaler. The key is not kept.
func (h *hashed) UnmarshalJSON(text []byte) error {
	var key string
	if json.Unmarshal(text, &key) != nil {
		return errors.New("a key that is not text")
	}
	h.fit = apikey.Check(key) == nil
	h.sha256 = apikey.SHA256(key)
	return nil
}

// ReadCatalog reads the exports that are given, by their files' names; "" for
// one that is not.
func ReadCatalog(products, apps, developers string, now time.Time) (*Catalog, error) {
	c := &Catalog{now: now}
	if err := readExport(products, "apiProduct", &c.products); err != nil {
		return nil, err
	}
	if err := readExport(apps, "app", &c.apps); err != nil {
		return nil, err
	}
	if developers == "" {
		return c, nil
	}
	var list []exportedDeveloper
	if err := readExport(developers, "developer", &list); err != nil {
		return nil, err
	}
	c.developers = map[string]exportedDeveloper{}
	for _, d := range list {
		c.developers[d.ID], c.developers[strings.ToLower(d.Email)] = d, d
	}
	delete(c.developers, "")
	return c, nil
}

// readExport reads {"member": [...]}, a list, or one item. No error shows what
// stood there.
func readExport[T any](file, member string, into *[]T) error {
	if file == "" {
		return nil
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxExport+1))
	if err != nil || len(data) > maxExport {
		return fmt.Errorf("%s: cannot be read, or has more than %d bytes", file, maxExport)
	}
	wrong := fmt.Errorf("%s: not an export of the management API: {%q: [...]} with all of each (expand=true)", file, member)
	var wrapped map[string]json.RawMessage
	if json.Unmarshal(data, &wrapped) == nil {
		list, ok := wrapped[member]
		if !ok {
			var one T
			if wrapped["name"] == nil && wrapped["email"] == nil || json.Unmarshal(data, &one) != nil {
				return wrong
			}
			*into = []T{one}
			return nil
		}
		data = list
	}
	if json.Unmarshal(data, into) != nil {
		return wrong
	}
	return nil
}

// want notes an attribute that a header is set from.
func (c *Catalog) want(name string, ofProduct bool) {
	list := &c.appAttributes
	if ofProduct {
		list = &c.productAttributes
	}
	if !slices.Contains(*list, name) {
		*list = append(*list, name)
	}
}

func (i *importer) fromExport(kind, name string, o report.Outcome, detail string) {
	i.report.Items = append(i.report.Items, report.Item{Flow: "catalog", Policy: name, Type: kind, File: "the export", Line: 1, Outcome: o, Detail: detail})
}

// put adds the products that grant the proxy, and the apps that have them.
func (c *Catalog) put(root *yaml.Node, i *importer, apis []string) {
	if !slices.ContainsFunc(i.apis, func(a *api) bool { return len(a.keys) > 0 }) {
		return // nobody looks at keys
	}
	granted := map[string]*yaml.Node{}
	var order []string
	for n := range c.products {
		p := &c.products[n]
		node, ok := c.product(p, i, apis)
		if !ok {
			continue
		}
		if granted[p.Name] != nil {
			i.problem(proxy.Place{File: "the export of products", Line: 1}, "the product %q stands twice", p.Name)
			return
		}
		granted[p.Name] = node
		order = append(order, p.Name)
	}
	apps, used := c.appNodes(i, granted)
	products := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for _, name := range order {
		if used[name] {
			products.Content = append(products.Content, granted[name])
		} else {
			i.fromExport("product", name, report.Dropped, "no app with a key that is good has it")
		}
	}
	if len(apps) > 0 {
		put(root, "products", products)
		put(root, "apps", list(apps...))
	}
}

// product gives the product's node if it grants anything of the proxy.
func (c *Catalog) product(p *exportedProduct, i *importer, apis []string) (n *yaml.Node, ok bool) {
	name := i.proxy.Name
	contains := func(list []string) bool { return len(list) == 0 || slices.Contains(list, name) }
	if len(p.Environments) > 0 {
		if i.options.Environment == "" {
			i.problem(proxy.Place{File: "the export of products", Line: 1}, "the product %q is for some environments only: name the one that is carried over with --environment", p.Name)
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
		i.fromExport("product", p.Name, report.Dropped, "it grants operations of GraphQL, gRPC or a model, which the filter does not tell apart; nobody gets through by it")
		return nil, false
	case contains(p.Proxies):
		whole = len(p.APIResources) == 0
		for _, r := range p.APIResources {
			add(r, nil)
		}
	}
	if left > 0 {
		i.fromExport("product", p.Name, report.Differs, fmt.Sprintf("resources that are not patterns of the filter, and not granted: %d", left))
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
		i.fromExport("product", p.Name, report.Dropped, "it has no quota that the filter counts, and the proxy wants one; nobody gets through by it")
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

// goodResource is a pattern that the catalog takes.
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

// appNodes gives an app for each set of products that its keys have: in Apigee
// products are granted to a key.
func (c *Catalog) appNodes(i *importer, granted map[string]*yaml.Node) (nodes []*yaml.Node, used map[string]bool) {
	used = map[string]bool{}
	names, sums := map[string]int{}, map[string]bool{}
	for n := range c.apps {
		app := &c.apps[n]
		developer, why := c.developer(app)
		if !strings.EqualFold(app.Status, "approved") {
			why = "it is not approved"
		}
		if why != "" {
			i.fromExport("app", app.Name, report.Dropped, why+"; its keys are refused as unknown")
			continue
		}
		bySet := map[string]*yaml.Node{} // the list of keys
		for k := range app.Credentials {
			key := &app.Credentials[k]
			products, why := c.key(key, granted)
			if sums[key.Key.sha256] {
				why = "it stands twice in the export"
			}
			if why != "" {
				i.fromExport("key", fmt.Sprintf("%s, key %d", app.Name, k+1), report.Dropped, why)
				continue
			}
			sums[key.Key.sha256] = true
			set := strings.Join(products, "\x00")
			if bySet[set] == nil {
				names[app.Name]++
				name := app.Name
				if count := names[app.Name]; count > 1 {
					name += " (" + strconv.Itoa(count) + ")"
				}
				bySet[set] = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
				node := mapping("name", name, "developer", developer, "products", products, "keys", bySet[set])
				putAttributes(node, app.Attributes, c.appAttributes)
				nodes = append(nodes, node)
			}
			item := mapping("id", "apigee-"+key.Key.sha256[:12], "sha256", key.Key.sha256)
			if t := key.expires(); !t.IsZero() {
				put(item, "expires", t.Format(time.RFC3339))
			}
			bySet[set].Content = append(bySet[set].Content, flow(item))
			for _, p := range products {
				used[p] = true
			}
		}
	}
	if c.developers == nil && len(nodes) > 0 {
		i.fromExport("app", "all", report.Differs, "whether their developers are active is not in the export of apps: give --developers, or see to it that none is inactive")
	}
	return nodes, used
}

// developer gives a text for who the app is of; why says that it may not call.
func (c *Catalog) developer(app *exportedApp) (name, why string) {
	name = cmp.Or(app.Email, app.DeveloperID, app.Company, app.Group, "unknown")
	if c.developers == nil || app.DeveloperID == "" && app.Email == "" {
		return name, ""
	}
	d, ok := c.developers[app.DeveloperID]
	if !ok {
		d, ok = c.developers[strings.ToLower(app.Email)]
	}
	switch {
	case !ok:
		return name, "its developer is not in the export of developers"
	case !strings.EqualFold(d.Status, "active"):
		return name, "its developer is not active"
	}
	return cmp.Or(d.Email, name), ""
}

// expires is the key's end, zero for never.
func (k *credential) expires() time.Time {
	ms, err := k.Expires.Int64()
	if k.Expires == "" || err == nil && ms <= 0 {
		return time.Time{}
	}
	if err != nil {
		return time.Unix(1, 0) // what cannot be read has ended
	}
	return time.UnixMilli(ms).UTC().Truncate(time.Second)
}

// key gives the products that are approved for the key; why says that it is not
// carried over.
func (c *Catalog) key(k *credential, granted map[string]*yaml.Node) (products []string, why string) {
	for _, p := range k.Products {
		if strings.EqualFold(p.Status, "approved") && granted[p.Name] != nil && !slices.Contains(products, p.Name) {
			products = append(products, p.Name)
		}
	}
	end := k.expires()
	switch {
	case !strings.EqualFold(k.Status, "approved"):
		return nil, "it is not approved"
	case !k.Key.fit:
		return nil, "the filter takes keys of 16 to 1024 plain characters: mint another one"
	case !end.IsZero() && end.Before(c.now):
		return nil, "it has expired"
	case !end.IsZero() && end.Before(c.now.Add(endsSoon)):
		return nil, "it ends on " + end.Format(time.DateOnly) + ", within 14 days: mint another one"
	case len(products) == 0:
		return nil, "no product that is approved for it grants this proxy"
	}
	return products, ""
}
