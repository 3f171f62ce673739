package apigee

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
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
	// A key that expires this soon is not worth carrying over: check warns
	// about it.
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
	quotas                           bool     // products have call limits
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

// number is a number that may be in quotes; 0 for none.
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

// ReadCatalog reads the exports from the named files; "" for one that is not
// given.
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

// readExport reads {"member": [...]}, a list, or one item. No error shows the
// file's content.
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

// put adds the products that grant access to the proxy, and the apps that have
// them.
func (c *Catalog) put(root *yaml.Node, i *importer, apis []string) {
	if !slices.ContainsFunc(i.apis, func(a *api) bool { return len(a.keys) > 0 }) {
		return // no step looks at keys
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
			i.problem(proxy.Place{File: "the export of products", Line: 1}, "the product %q is there twice", p.Name)
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
			i.fromExport("product", name, report.Dropped, "no app with a valid key has it")
		}
	}
	if len(apps) > 0 {
		put(root, "products", products)
		put(root, "apps", list(apps...))
	}
}
