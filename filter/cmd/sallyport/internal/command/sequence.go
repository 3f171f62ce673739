package command

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
)

// stepShown is one step of a sequence.
type stepShown struct {
	Index   int    `json:"index"` // from 1
	Step    string `json:"step"`
	Options string `json:"options"`
}

func newSequence() *cobra.Command {
	return group("sequence", "Show and change what each request goes through",
		`A sequence is a list of steps, numbered from 1. The default one is for all APIs that have none of their own (--api).`,
		newSequenceList(), newSequenceAdd(), newSequenceMove(), newSequenceRemove())
}

// sequenceFlags choose one of the sequences of a file.
type sequenceFlags struct{ file, api *string }

func addSequence(c *cobra.Command) sequenceFlags {
	return sequenceFlags{addFile(c), c.Flags().String("api", "", "the API with a sequence of its own, NAME/VERSION; by default the default sequence")}
}

// owner is the mapping that has the sequence.
func (s sequenceFlags) owner(root *yaml.Node) (*yaml.Node, error) {
	if *s.api == "" {
		return root, nil
	}
	name, version, _ := strings.Cut(*s.api, "/")
	known, at := findAPI(root, name, version)
	if at < 0 {
		return nil, fmt.Errorf("no API %q; %s", *s.api, haves(known))
	}
	return document.Items(document.Member(root, "apis"))[at], nil
}

// hasOwn reports whether the chosen sequence is there: an API without one of its own goes through the default one.
func (s sequenceFlags) hasOwn(owner *yaml.Node) bool {
	return *s.api == "" || document.Member(owner, "sequence") != nil
}

// change runs an edit on the list that has the sequence.
func (s sequenceFlags) change(edit func(d *document.Document, owner *yaml.Node) error) error {
	return update(*s.file, func(d *document.Document) error {
		owner, err := s.owner(d.Root())
		if err != nil {
			return err
		}
		if !s.hasOwn(owner) {
			return fmt.Errorf("API %s has no sequence of its own and goes through the default one; 'sequence add --api %s' gives it one, which begins as a copy of the default one", *s.api, *s.api)
		}
		return edit(d, owner)
	})
}

// fork gives an API a copy of the default sequence with one step more: without the copy that step would be its only one, and
// whatever the default sequence demands of callers would be gone.
func (s sequenceFlags) fork(d *document.Document, owner *yaml.Node, at int, step *yaml.Node) error {
	var steps []*yaml.Node
	for _, item := range document.Items(document.Member(d.Root(), "sequence")) {
		steps = append(steps, document.Bare(item))
	}
	if err := d.Set(owner, "sequence", document.List()); err != nil {
		return err
	}
	owner, err := s.owner(d.Root()) // an edit reads the document again
	if err != nil {
		return err
	}
	return d.AppendLines(owner, "sequence", slices.Insert(steps, at, step)...)
}

// stepIndex reads a step's number, or its name where the sequence has it once.
func stepIndex(owner *yaml.Node, text string) (int, error) {
	steps := document.Items(document.Member(owner, "sequence"))
	if n, err := strconv.Atoi(text); err == nil {
		if n < 1 || n > len(steps) {
			return 0, fmt.Errorf("no step %d; there are %d", n, len(steps))
		}
		return n - 1, nil
	}
	var names []string
	found := -1
	for i, s := range steps {
		name := stepName(s)
		if name == text && found >= 0 {
			return 0, fmt.Errorf("there are several steps %q: give the number that 'sallyport sequence list' shows", text)
		}
		if name == text {
			found = i
		}
		names = append(names, name)
	}
	if found < 0 {
		return 0, fmt.Errorf("no step %q; %s", text, haves(names))
	}
	return found, nil
}

func stepName(item *yaml.Node) string {
	if item.Kind != yaml.MappingNode || len(item.Content) == 0 {
		return ""
	}
	return item.Content[0].Value
}

func newSequenceList() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List the steps of a sequence", Example: "  sallyport sequence list --api orders/v1", Args: exactly(0)}
	s, out := addSequence(c), addOutput(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		d, err := read(*s.file)
		if err != nil {
			return err
		}
		owner, err := s.owner(d.Root())
		if err != nil {
			return err
		}
		if !s.hasOwn(owner) {
			fmt.Fprintf(c.ErrOrStderr(), "API %s has no sequence of its own. It goes through the default one:\n", *s.api)
			owner = d.Root()
		}
		steps := []stepShown{}
		t := &table{head: []string{"#", "STEP", "OPTIONS"}}
		for i, item := range document.Items(document.Member(owner, "sequence")) {
			shown := stepShown{Index: i + 1, Step: stepName(item)}
			if options := document.Member(item, shown.Step); options != nil {
				shown.Options = document.OneLine(options)
			}
			steps = append(steps, shown)
			t.add(strconv.Itoa(shown.Index), shown.Step, shown.Options)
		}
		return out.print(c.OutOrStdout(), steps, t)
	}
	return c
}

func newSequenceAdd() *cobra.Command {
	var before string
	c := &cobra.Command{
		Use:   "add 'STEP: {OPTIONS}'",
		Short: "Add a step, at the end or before another one",
		Long: `Add puts a step into the default sequence, or with --api into the one of an API. An API that has none of its own gets a copy
of the default one first: from then on, changes of the default one are no longer for it.`,
		Example: `  sallyport sequence add 'spike_arrest: {rate: 200ps, per: client_ip}' --before verify_api_key
  sallyport sequence add 'quota: {limit: 1000, per: app, interval: day}' --api orders/v1`,
		Args: exactly(1),
	}
	s := addSequence(c)
	c.Flags().StringVar(&before, "before", "", "the step to insert it before: its number, or its name")
	c.RunE = func(c *cobra.Command, args []string) error {
		parsed, err := document.Parse([]byte(args[0]))
		if err != nil || len(parsed.Root().Content) != 2 {
			return fmt.Errorf("a step must be written as in the file, such as 'spike_arrest: {rate: 200ps}'")
		}
		step := parsed.Root()
		step.Style |= yaml.FlowStyle
		if options := step.Content[1]; options.Kind == yaml.MappingNode {
			step.Style &^= yaml.FlowStyle
			options.Style |= yaml.FlowStyle
		}
		forked := false
		err = update(*s.file, func(d *document.Document) error {
			owner, err := s.owner(d.Root())
			if err != nil {
				return err
			}
			has := owner
			if forked = !s.hasOwn(owner); forked {
				has = d.Root()
			}
			at := len(document.Items(document.Member(has, "sequence")))
			if before != "" {
				if at, err = stepIndex(has, before); err != nil {
					return err
				}
			}
			if forked {
				return s.fork(d, owner, at, step)
			}
			return d.Insert(owner, "sequence", at, step)
		})
		if forked && err == nil {
			return done(c, nil, "step %s added. API %s has a sequence of its own now: a copy of the default one, with this step", stepName(step), *s.api)
		}
		return done(c, err, "step %s added", stepName(step))
	}
	return c
}

func newSequenceMove() *cobra.Command {
	c := &cobra.Command{
		Use:     "move STEP NUMBER",
		Short:   "Move a step to another place",
		Long:    "Move takes a step, by its number or its name, to the place NUMBER, counted after it was removed.",
		Example: "  sallyport sequence move spike_arrest 1",
		Args:    exactly(2),
	}
	s := addSequence(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		var name string
		err := s.change(func(d *document.Document, owner *yaml.Node) error {
			from, err := stepIndex(owner, args[0])
			if err != nil {
				return err
			}
			steps := document.Items(document.Member(owner, "sequence"))
			to, err := strconv.Atoi(args[1])
			if err != nil || to < 1 || to > len(steps) {
				return fmt.Errorf("the place must be a number from 1 to %d, got %q", len(steps), args[1])
			}
			step := steps[from]
			name = stepName(step)
			if err := d.RemoveItem(owner, "sequence", from); err != nil {
				return err
			}
			if owner, err = s.owner(d.Root()); err != nil { // an edit reads the document again
				return err
			}
			return d.Insert(owner, "sequence", to-1, step)
		})
		return done(c, err, "step %s is now number %s", name, args[1])
	}
	return c
}

func newSequenceRemove() *cobra.Command {
	c := &cobra.Command{
		Use:     "remove STEP",
		Aliases: []string{"delete"},
		Short:   "Remove a step, by its number or its name",
		Example: "  sallyport sequence remove ip_access",
		Args:    exactly(1),
	}
	s := addSequence(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		err := s.change(func(d *document.Document, owner *yaml.Node) error {
			at, err := stepIndex(owner, args[0])
			if err != nil {
				return err
			}
			return d.RemoveItem(owner, "sequence", at)
		})
		return done(c, err, "step %s removed: see 'sallyport check %s'", args[0], *s.file)
	}
	return c
}

// removeFrom is the command that removes one item from a list of the root, chosen by its name.
func removeFrom(list, what, long string) *cobra.Command {
	c := &cobra.Command{
		Use:     "delete NAME",
		Aliases: []string{"remove"},
		Short:   "Delete one " + what,
		Long:    long,
		Example: "  sallyport " + list + " delete old-one",
		Args:    exactly(1),
	}
	file := addFile(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		err := update(*file, func(d *document.Document) error {
			if _, err := find(d.Root(), list, what, "name", args[0]); err != nil {
				return err
			}
			at := slices.IndexFunc(document.Items(document.Member(d.Root(), list)), func(n *yaml.Node) bool { return document.Text(n, "name") == args[0] })
			return d.RemoveItem(d.Root(), list, at)
		})
		return done(c, err, "%s %s deleted", what, args[0])
	}
	return c
}
