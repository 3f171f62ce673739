package command

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
)

// api is what commands show of one.
type api struct {
	Name     string   `json:"name"`
	Version  string   `json:"version"`
	Hosts    []string `json:"hosts"` // none: any
	BasePath string   `json:"base_path"`
	Sequence string   `json:"sequence"` // own, or default
	Products []string `json:"products"`
}

func newAPIs() *cobra.Command {
	return group("apis", "Add, list and remove APIs: what is served", "An API has a name, a version and a base path.", newAPIsAdd(), newAPIsList(), newAPIsRemove())
}

func newAPIsAdd() *cobra.Command {
	var hosts []string
	var base string
	c := &cobra.Command{
		Use:   "add NAME/VERSION",
		Short: "Add an API, guarded by the default sequence",
		Example: `  sallyport apis add orders/v1 --host api.example.com
  sallyport apis add orders/v2 --base-path /v2/orders`,
		Args: exactly(1),
	}
	file := addFile(c)
	c.Flags().StringSliceVar(&hosts, "host", nil, "a host that the API is served under; any by default; can be repeated")
	c.Flags().StringVar(&base, "base-path", "", "base path of the API (default: /NAME/VERSION)")
	c.RunE = func(c *cobra.Command, args []string) error {
		name, version, _ := strings.Cut(args[0], "/")
		version = cmp.Or(version, "v1")
		err := update(*file, func(d *document.Document) error {
			if _, at := findAPI(d.Root(), name, version); at >= 0 {
				return fmt.Errorf("API %q already exists", name+"/"+version)
			}
			node := document.Mapping("name", name, "version", version)
			if len(hosts) > 0 {
				node.Content = append(node.Content, document.Scalar("hosts"), document.List(hosts...))
			}
			node.Content = append(node.Content, document.Scalar("base_path"), document.Scalar(cmp.Or(base, "/"+name+"/"+version)))
			return d.Append(d.Root(), "apis", node)
		})
		return done(c, err, "API %s/%s added", name, version)
	}
	return c
}

func newAPIsList() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List the APIs", Example: "  sallyport apis list", Args: exactly(0)}
	file, out := addFile(c), addOutput(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		d, err := read(*file)
		if err != nil {
			return err
		}
		apis := readAPIs(d.Root())
		t := &table{head: []string{"API", "VERSION", "HOSTS", "BASE PATH", "SEQUENCE", "PRODUCTS"}}
		for _, a := range apis {
			t.add(a.Name, a.Version, orAny(a.Hosts), a.BasePath, a.Sequence, strings.Join(a.Products, ", "))
		}
		return out.print(c.OutOrStdout(), apis, t)
	}
	return c
}

func readAPIs(root *yaml.Node) []api {
	apis, products := []api{}, readProducts(root)
	for _, n := range document.Items(document.Member(root, "apis")) {
		a := api{Name: document.Text(n, "name"), Version: document.Text(n, "version"), Hosts: texts(document.Member(n, "hosts")),
			BasePath: document.Text(n, "base_path"), Sequence: "default", Products: []string{}}
		if document.Member(n, "sequence") != nil {
			a.Sequence = "own"
		}
		for _, p := range products {
			if len(p.APIs) == 0 || slices.Contains(p.APIs, a.Name) || slices.Contains(p.APIs, a.Name+"/"+a.Version) {
				a.Products = append(a.Products, p.Name)
			}
		}
		apis = append(apis, a)
	}
	return apis
}

func newAPIsRemove() *cobra.Command {
	c := &cobra.Command{
		Use:     "remove NAME/VERSION",
		Aliases: []string{"delete"},
		Short:   "Remove an API: requests for it are refused",
		Long: `Remove deletes an API from the configuration. Change any product that names it first: the filter refuses a product for an
API that does not exist.`,
		Example: "  sallyport apis remove orders/v1",
		Args:    exactly(1),
	}
	file := addFile(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		name, version, versioned := strings.Cut(args[0], "/")
		if !versioned {
			return fmt.Errorf("give the version too, as in %s/v1", name)
		}
		err := update(*file, func(d *document.Document) error {
			known, at := findAPI(d.Root(), name, version)
			if at < 0 {
				return fmt.Errorf("no API %q; %s", args[0], haves(known))
			}
			return d.RemoveItem(d.Root(), "apis", at)
		})
		return done(c, err, "API %s removed", args[0])
	}
	return c
}

// findAPI gives the index of an API; -1 and all that there are if it does not exist.
func findAPI(root *yaml.Node, name, version string) (known []string, at int) {
	for i, n := range document.Items(document.Member(root, "apis")) {
		if document.Text(n, "name") == name && document.Text(n, "version") == version {
			return nil, i
		}
		known = append(known, document.Text(n, "name")+"/"+document.Text(n, "version"))
	}
	return known, -1
}

// done says that the file was changed, on standard error, so that standard output stays for what is printed.
func done(c *cobra.Command, err error, format string, args ...any) error {
	if err == nil {
		fmt.Fprintln(c.ErrOrStderr(), printable(fmt.Sprintf(format, args...))+".")
	}
	return err
}
