package command

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
)

// output is --output.
type output struct{ format string }

var formats = []string{"table", "json", "yaml"}

func addOutput(c *cobra.Command) *output {
	o := &output{format: formats[0]}
	c.Flags().VarP(o, "output", "o", "how to print: table for people, json or yaml for machines")
	must(c.RegisterFlagCompletionFunc("output", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return formats, cobra.ShellCompDirectiveNoFileComp
	}))
	return o
}

func (o *output) String() string { return o.format }
func (o *output) Type() string   { return strings.Join(formats, "|") }

func (o *output) Set(s string) error {
	if !slices.Contains(formats, s) {
		return fmt.Errorf("must be one of %s", strings.Join(formats, ", "))
	}
	o.format = s
	return nil
}

// table is rows below a head; a cell never breaks a line.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// print writes v for machines or t for people.
func (o *output) print(w io.Writer, v any, t *table) error {
	switch o.format {
	case "json":
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(v)
	case "yaml":
		return printYAML(w, v)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(tw, "\t")
			}
			fmt.Fprint(tw, printable(cell))
		}
		fmt.Fprintln(tw)
	}
	return tw.Flush()
}

// printYAML has the members in the order of the JSON, the name first.
func printYAML(w io.Writer, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var file yaml.Node
	if err := yaml.Unmarshal(text, &file); err != nil {
		return err
	}
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	e.CompactSeqIndent()
	return e.Encode(blockStyle(file.Content[0]))
}

// blockStyle is a copy of JSON as people write YAML.
func blockStyle(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.ScalarNode {
		if n.Tag == "!!str" {
			return document.Scalar(n.Value)
		}
		return n
	}
	block := &yaml.Node{Kind: n.Kind, Tag: n.Tag}
	for _, child := range n.Content {
		block.Content = append(block.Content, blockStyle(child))
	}
	return block
}

// printable makes foreign text harmless for a terminal: no control characters, no line ends.
func printable(s string) string {
	if s == "" {
		return "-"
	}
	if strings.IndexFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) < 0 {
		return s
	}
	return strconv.Quote(s)
}
