package command

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
)

// statuses are what an app or a key can be.
var statuses = []string{"approved", "revoked"}

// edit is a change of one item: its members, in turn. A nil value removes the member.
type edit struct {
	members []string
	values  []*yaml.Node
}

func (e *edit) set(member string, value *yaml.Node) {
	e.members, e.values = append(e.members, member), append(e.values, value)
}

// apply changes the item that find gives, which is looked for again after each change.
func (e *edit) apply(file string, find func(root *yaml.Node) (*yaml.Node, error)) error {
	if len(e.members) == 0 {
		return errors.New("nothing to change: give at least one flag")
	}
	return update(file, func(d *document.Document) error {
		for i, member := range e.members {
			item, err := find(d.Root())
			if err != nil {
				return err
			}
			if e.values[i] == nil {
				err = d.RemoveMember(item, member)
			} else {
				err = d.Set(item, member, e.values[i])
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// list sets a member that is a list, when its flag was given; an empty one removes it.
func (e *edit) list(c *cobra.Command, flag, member string, values []string) {
	if !c.Flags().Changed(flag) {
		return
	}
	if values = slices.DeleteFunc(values, func(s string) bool { return s == "" }); len(values) == 0 {
		e.set(member, nil)
		return
	}
	e.set(member, document.List(values...))
}

// status sets a status, when it was given.
func (e *edit) status(status string) error {
	if status == "" {
		return nil
	}
	if !slices.Contains(statuses, status) {
		return fmt.Errorf("--status must be one of %s, got %q", strings.Join(statuses, ", "), status)
	}
	e.set("status", document.Scalar(status))
	return nil
}

func newAppsEdit() *cobra.Command {
	var developer, status string
	var products, clients []string
	c := &cobra.Command{
		Use:   "edit NAME",
		Short: "Change an app: given values replace existing ones",
		Example: `  sallyport apps edit shop --product portal,reports
  sallyport apps edit shop --status revoked
  sallyport apps edit shop --token-client ''`,
		Args: exactly(1),
	}
	file := addFile(c)
	c.Flags().StringVar(&developer, "developer", "", "who is responsible for the app")
	c.Flags().StringVar(&status, "status", "", strings.Join(statuses, " or "))
	c.Flags().StringSliceVar(&products, "product", nil, "all products that the app is granted")
	c.Flags().StringSliceVar(&clients, "token-client", nil, "all OAuth clients whose tokens may come with the app's keys; '' for any")
	must(c.RegisterFlagCompletionFunc("status", cobra.FixedCompletions(statuses, cobra.ShellCompDirectiveNoFileComp)))
	c.RunE = func(c *cobra.Command, args []string) error {
		var e edit
		if c.Flags().Changed("product") && len(slices.DeleteFunc(slices.Clone(products), func(s string) bool { return s == "" })) == 0 {
			e.set("products", document.List())
		} else {
			e.list(c, "product", "products", products)
		}
		e.list(c, "token-client", "token_clients", clients)
		if developer != "" {
			e.set("developer", document.Scalar(developer))
		}
		if err := e.status(status); err != nil {
			return err
		}
		err := e.apply(*file, func(root *yaml.Node) (*yaml.Node, error) { return findApp(root, args[0]) })
		return done(c, err, "app %s changed", args[0])
	}
	return c
}

func newProductsEdit() *cobra.Command {
	var apis, scopes []string
	c := &cobra.Command{
		Use:   "edit NAME",
		Short: "Change a product: given values replace existing ones",
		Long: `Edit replaces the APIs of a product, or its scopes. Change operations (paths and methods) in an editor: --api refuses to
replace them.`,
		Example: `  sallyport products edit portal --api customers/v1,customers/v2
  sallyport products edit portal --scope ''`,
		Args: exactly(1),
	}
	file := addFile(c)
	c.Flags().StringSliceVar(&apis, "api", nil, "all APIs of the product, NAME or NAME/VERSION")
	c.Flags().StringSliceVar(&scopes, "scope", nil, "all scopes of which a token must have at least one; '' for none")
	c.RunE = func(c *cobra.Command, args []string) error {
		var e edit
		if c.Flags().Changed("api") {
			if len(apis) == 0 || slices.Contains(apis, "") {
				return errors.New("--api: a product without APIs would grant all of them: name at least one")
			}
			e.set("apis", apiList(apis))
		}
		e.list(c, "scope", "scopes", scopes)
		err := e.apply(*file, func(root *yaml.Node) (*yaml.Node, error) {
			p, err := find(root, "products", "product", "name", args[0])
			if err == nil && c.Flags().Changed("api") && hasOperations(p) {
				return nil, fmt.Errorf("product %s has operations, which --api would drop: change it in an editor", args[0])
			}
			return p, err
		})
		return done(c, err, "product %s changed", args[0])
	}
	return c
}

func hasOperations(product *yaml.Node) bool {
	return slices.ContainsFunc(document.Items(document.Member(product, "apis")), func(api *yaml.Node) bool { return document.Member(api, "operations") != nil })
}

func newKeysEdit() *cobra.Command {
	var expires, status string
	c := &cobra.Command{
		Use:   "edit ID",
		Short: "Change when a key expires, or whether it is accepted",
		Example: `  sallyport keys edit k-2026-11-24-7f3a1c --expires 30d
  sallyport keys edit k-2026-11-24-7f3a1c --expires never`,
		Args: exactly(1),
	}
	file := addFile(c)
	c.Flags().StringVar(&expires, "expires", "", "when the key expires: 90d, 12h, a date, or never")
	c.Flags().StringVar(&status, "status", "", strings.Join(statuses, " or "))
	must(c.RegisterFlagCompletionFunc("status", cobra.FixedCompletions(statuses, cobra.ShellCompDirectiveNoFileComp)))
	c.RunE = func(c *cobra.Command, args []string) error {
		var e edit
		switch {
		case expires == "never":
			e.set("expires", nil)
		case expires != "":
			end, err := expiry(expires, time.Now())
			if err != nil {
				return fmt.Errorf("--expires: %w", err)
			}
			e.set("expires", timeNode(end))
		}
		if err := e.status(status); err != nil {
			return err
		}
		err := e.apply(*file, func(root *yaml.Node) (*yaml.Node, error) {
			_, k, _, err := findKey(root, args[0])
			return k, err
		})
		return done(c, err, "key %s changed", args[0])
	}
	return c
}

func newKeysDelete() *cobra.Command {
	c := &cobra.Command{
		Use:     "delete ID",
		Aliases: []string{"remove"},
		Short:   "Delete a key, which makes it unknown",
		Long: `Delete removes a key from the file: its calls are refused like those with an unknown key, and are no longer attributed to
its app. 'keys revoke' refuses a key but keeps that.`,
		Example: "  sallyport keys delete k-2026-11-24-7f3a1c",
		Args:    exactly(1),
	}
	file := addFile(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		err := update(*file, func(d *document.Document) error {
			a, _, at, err := findKey(d.Root(), args[0])
			if err != nil {
				return err
			}
			return d.RemoveItem(a, "keys", at)
		})
		return done(c, err, "key %s deleted", args[0])
	}
	return c
}

// findKey gives the app that has a key, the key and its index.
func findKey(root *yaml.Node, id string) (app, key *yaml.Node, at int, err error) {
	var known []string
	for _, a := range document.Items(document.Member(root, "apps")) {
		for i, k := range document.Items(document.Member(a, "keys")) {
			if document.Text(k, "id") == id {
				return a, k, i, nil
			}
			known = append(known, document.Text(k, "id"))
		}
	}
	return nil, nil, 0, fmt.Errorf("no key %q; %s", id, haves(known))
}
