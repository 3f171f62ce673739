package apigee

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/report"
)

// appNodes makes an app for each set of products that its keys have: in Apigee
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
				why = "it is in the export twice"
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
		i.fromExport("app", "all", report.Differs, "the export of apps does not say whether their developers are active: give --developers, or make sure that none is inactive")
	}
	return nodes, used
}

// developer names the app's owner; why says why the app may not call.
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
		return time.Unix(1, 0) // what cannot be read has expired
	}
	return time.UnixMilli(ms).UTC().Truncate(time.Second)
}

// key gives the products that are approved for the key; why says why it is not
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
		return nil, "the filter accepts keys of 16 to 1024 plain characters: mint another one"
	case !end.IsZero() && end.Before(c.now):
		return nil, "it has expired"
	case !end.IsZero() && end.Before(c.now.Add(endsSoon)):
		return nil, "it ends on " + end.Format(time.DateOnly) + ", within 14 days: mint another one"
	case len(products) == 0:
		return nil, "no product that is approved for it grants this proxy"
	}
	return products, ""
}
