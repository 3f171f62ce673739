package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
)

func newProducts() *cobra.Command {
	return group("products", "Add, change, show, list and delete products: what may be called", "A product bundles APIs, or operations of them, and the scopes of which a token must have at least one.",
		newProductsAdd(), newProductsEdit(), newProductsShow(), newProductsList(),
		removeFrom("products", "product", "Delete removes a product from the file. Change the apps that were granted it first ('sallyport apps edit')."))
}

func newProductsAdd() *cobra.Command {
	var apis, scopes []string
	c := &cobra.Command{
		Use:   "add NAME",
		Short: "Add a product",
		Long: `Add writes a product with whole APIs: --api NAME for any version, NAME/VERSION for one. Add operations (paths
and methods) in an editor: see products[].apis[].operations in the operator's reference.`,
		Example: "  sallyport products add portal --api customers/v1 --scope customers.read",
		Args:    exactly(1),
	}
	file := addFile(c)
	c.Flags().StringSliceVar(&apis, "api", nil, "an API of the product, NAME or NAME/VERSION; can be repeated")
	c.Flags().StringSliceVar(&scopes, "scope", nil, "a scope of which a token must have at least one; can be repeated")
	must(c.MarkFlagRequired("api"))
	c.RunE = func(c *cobra.Command, args []string) error {
		err := update(*file, func(d *document.Document) error {
			if _, err := find(d.Root(), "products", "product", "name", args[0]); err == nil {
				return fmt.Errorf("product %q already exists", args[0])
			}
			node := document.Mapping("name", args[0], "apis", apiList(apis))
			if len(scopes) > 0 {
				node.Content = append(node.Content, document.Scalar("scopes"), document.List(scopes...))
			}
			return d.Append(d.Root(), "products", node)
		})
		return done(c, err, "product %s added", args[0])
	}
	return c
}

// apiList are whole APIs as a product names them, from NAME or NAME/VERSION each.
func apiList(apis []string) *yaml.Node {
	granted := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle}
	for _, a := range apis {
		name, version, _ := strings.Cut(a, "/")
		api := document.Mapping("name", name)
		if version != "" {
			api.Content = append(api.Content, document.Scalar("version"), document.Scalar(version))
		}
		granted.Content = append(granted.Content, api)
	}
	return granted
}

func newProductsShow() *cobra.Command {
	c := &cobra.Command{Use: "show NAME", Short: "Show one product and who was granted it", Example: "  sallyport products show portal", Args: exactly(1)}
	file, out := addFile(c), addOutput(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		d, err := read(*file)
		if err != nil {
			return err
		}
		if _, err := find(d.Root(), "products", "product", "name", args[0]); err != nil {
			return err
		}
		for _, p := range readProducts(d.Root()) {
			if p.Name != args[0] {
				continue
			}
			t := &table{head: []string{"PRODUCT", p.Name}}
			t.add("apis", orAny(p.APIs))
			for _, o := range p.Operations {
				methods := "any method"
				if len(o.Methods) > 0 {
					methods = strings.Join(o.Methods, ", ")
				}
				t.add("operation", o.API+" "+o.Path+", "+methods)
			}
			t.add("scopes", orAny(p.Scopes))
			t.add("apps", strings.Join(p.Apps, ", "))
			return out.print(c.OutOrStdout(), p, t)
		}
		return nil
	}
	return c
}

func newProductsList() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List the products", Example: "  sallyport products list", Args: exactly(0)}
	file, out := addFile(c), addOutput(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		d, err := read(*file)
		if err != nil {
			return err
		}
		products := readProducts(d.Root())
		t := &table{head: []string{"PRODUCT", "APIS", "SCOPES", "APPS"}}
		for _, p := range products {
			t.add(p.Name, orAny(p.APIs), orAny(p.Scopes), strings.Join(p.Apps, ", "))
		}
		return out.print(c.OutOrStdout(), products, t)
	}
	return c
}
