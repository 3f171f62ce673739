package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sallyport-gateway/sallyport/hostsim"
)

// choice is a flag that takes one of a few words.
type choice struct {
	value string
	from  []string
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return strings.Join(c.from, "|") }

func (c *choice) Set(s string) error {
	if !slices.Contains(c.from, s) {
		return fmt.Errorf("must be one of %s", strings.Join(c.from, ", "))
	}
	c.value = s
	return nil
}

// addChoice adds a flag whose default is the first word.
func addChoice(c *cobra.Command, name, usage string, words ...string) *choice {
	v := &choice{value: words[0], from: words}
	addValue(c, v, name, "", usage)
	return v
}

func addValue(c *cobra.Command, v *choice, name, letter, usage string) {
	c.Flags().VarP(v, name, letter, usage)
	must(c.RegisterFlagCompletionFunc(name, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return v.from, cobra.ShellCompDirectiveNoFileComp
	}))
}

// addOutput adds --output; the first format is the default, for people.
func addOutput(c *cobra.Command, forPeople string) *choice {
	v := &choice{value: forPeople, from: []string{forPeople, "json"}}
	addValue(c, v, "output", "o", "how to print: "+forPeople+" for people, json for machines")
	return v
}

func addProfile(c *cobra.Command) *choice {
	v := &choice{value: hostsim.Profiles()[len(hostsim.Profiles())-1], from: hostsim.Profiles()}
	addValue(c, v, "profile", "", "Envoy version to imitate")
	return v
}

func addFile(c *cobra.Command, target *string, name, usage string, extensions ...string) {
	c.Flags().StringVar(target, name, "", usage)
	must(c.MarkFlagFilename(name, extensions...))
}

func require(c *cobra.Command, flags ...string) {
	for _, f := range flags {
		must(c.MarkFlagRequired(f))
	}
}

// must is for errors that only a mistake in this package can cause.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// pair splits NAME=VALUE of a flag that may be given several times, each name once.
func pair(flag, text string, taken map[string]bool) (name, value string, err error) {
	name, value, ok := strings.Cut(text, "=")
	switch {
	case !ok || name == "":
		return "", "", fmt.Errorf("--%s %q: write NAME=VALUE", flag, name)
	case taken[name]:
		return "", "", fmt.Errorf("--%s %s is given twice: leave one out", flag, name)
	}
	taken[name] = true
	return name, value, nil
}
