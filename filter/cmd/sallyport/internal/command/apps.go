package command

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
)

func newApps() *cobra.Command {
	return group("apps", "Add, change, show, list and delete apps: who calls", "An app holds keys and is granted products.", newAppsAdd(), newAppsEdit(), newAppsShow(), newAppsList(),
		removeFrom("apps", "app", "Delete removes an app and its keys from the file: its calls are refused like those with an unknown key."))
}

func newAppsAdd() *cobra.Command {
	var developer string
	var products, clients []string
	c := &cobra.Command{
		Use:     "add NAME",
		Short:   "Add an app, without a key",
		Example: "  sallyport apps add global-customer-portal --product portal --developer portal-team@example.com",
		Args:    exactly(1),
	}
	file := addFile(c)
	c.Flags().StringVar(&developer, "developer", "", "who is responsible for the app, such as an e-mail address")
	c.Flags().StringSliceVar(&products, "product", nil, "a product that the app is granted; can be repeated")
	c.Flags().StringSliceVar(&clients, "token-client", nil, "an OAuth client whose tokens may come with the app's keys; any by default")
	must(c.MarkFlagRequired("developer"))
	c.RunE = func(c *cobra.Command, args []string) error {
		err := update(*file, func(d *document.Document) error {
			if _, err := findApp(d.Root(), args[0]); err == nil {
				return fmt.Errorf("app %q already exists", args[0])
			}
			node := document.Mapping("name", args[0], "developer", developer, "products", document.List(products...))
			if len(clients) > 0 {
				node.Content = append(node.Content, document.Scalar("token_clients"), document.List(clients...))
			}
			node.Content = append(node.Content, document.Scalar("keys"), document.List())
			node.Style &^= yaml.FlowStyle
			return d.Append(d.Root(), "apps", node)
		})
		return done(c, err, "app %s added", args[0])
	}
	return c
}

func newAppsShow() *cobra.Command {
	c := &cobra.Command{Use: "show NAME", Short: "Show one app and its keys", Example: "  sallyport apps show global-customer-portal --output yaml", Args: exactly(1)}
	file, out := addFile(c), addOutput(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		d, err := read(*file)
		if err != nil {
			return err
		}
		if _, err := findApp(d.Root(), args[0]); err != nil {
			return err
		}
		for _, a := range readApps(d.Root()) {
			if a.Name != args[0] {
				continue
			}
			t := &table{head: []string{"APP", a.Name}}
			t.add("developer", a.Developer)
			t.add("status", a.Status)
			t.add("products", strings.Join(a.Products, ", "))
			t.add("token clients", orAny(a.TokenClients))
			for _, k := range a.Keys {
				t.add("key", k.ID+", "+k.Status+orNever(k.Expires))
			}
			return out.print(c.OutOrStdout(), a, t)
		}
		return nil
	}
	return c
}

func newAppsList() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List the apps", Example: "  sallyport apps list", Args: exactly(0)}
	file, out := addFile(c), addOutput(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		d, err := read(*file)
		if err != nil {
			return err
		}
		apps := readApps(d.Root())
		t := &table{head: []string{"APP", "DEVELOPER", "STATUS", "PRODUCTS", "KEYS"}}
		for _, a := range apps {
			t.add(a.Name, a.Developer, a.Status, strings.Join(a.Products, ", "), strconv.Itoa(len(a.Keys)))
		}
		return out.print(c.OutOrStdout(), apps, t)
	}
	return c
}

func orAny(values []string) string {
	if len(values) == 0 {
		return "any"
	}
	return strings.Join(values, ", ")
}

func orNever(expires string) string {
	if expires == "" {
		return ", never expires"
	}
	return ", expires " + expires
}
