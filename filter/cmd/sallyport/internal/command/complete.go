package command

import (
	"slices"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
)

// namesOf gives the names that a configuration has of something.
type namesOf func(root *yaml.Node) []string

// Which names a flag takes, and which the argument of a command of a group. A command that gives a new name has none.
var (
	namesByFlag = map[string]namesOf{"app": membersOf("apps", "name"), "product": membersOf("products", "name"), "api": apiNames, "key": keyIDs}
	namesByArg  = map[string]map[string]namesOf{
		"apps":     onEach(membersOf("apps", "name"), "edit", "delete", "show"),
		"products": onEach(membersOf("products", "name"), "edit", "delete", "show"),
		"apis":     onEach(apiNames, "remove"),
		"keys":     onEach(keyIDs, "revoke", "edit", "delete"),
	}
)

func onEach(names namesOf, commands ...string) map[string]namesOf {
	all := map[string]namesOf{}
	for _, c := range commands {
		all[c] = names
	}
	return all
}

// completeNames has shells offer the names that the configuration has, for all commands that read one.
func completeNames(c *cobra.Command) {
	for _, sub := range c.Commands() {
		completeNames(sub)
	}
	if c.Flags().Lookup("file") == nil || c.Name() == "init" {
		return
	}
	for flag, names := range namesByFlag {
		if c.Flags().Lookup(flag) == nil {
			continue
		}
		if c.Name() == "deprecation" {
			names = membersOf("apis", "name")
		}
		must(c.RegisterFlagCompletionFunc(flag, names.complete))
	}
	if names, ok := namesByArg[c.Parent().Name()][c.Name()]; ok {
		c.ValidArgsFunction = func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return names.complete(c, args, begun)
		}
	}
}

// complete offers nothing where the file cannot be read.
func (names namesOf) complete(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	d, err := document.Read(c.Flag("file").Value.String())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return names(d.Root()), cobra.ShellCompDirectiveNoFileComp
}

func membersOf(list, member string) namesOf {
	return func(root *yaml.Node) (all []string) {
		for _, n := range document.Items(document.Member(root, list)) {
			if name := document.Text(n, member); name != "" && !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
		return all
	}
}

func apiNames(root *yaml.Node) (all []string) {
	for _, n := range document.Items(document.Member(root, "apis")) {
		all = append(all, document.Text(n, "name")+"/"+document.Text(n, "version"))
	}
	return all
}

func keyIDs(root *yaml.Node) (all []string) {
	for _, a := range readApps(root) {
		for _, k := range a.Keys {
			all = append(all, k.ID+"\t"+a.Name)
		}
	}
	return all
}
