package command

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
)

func newInspect() *cobra.Command {
	var output *choice
	var profiles []string
	c := newCommand("inspect", "FILE.wasm", "Show what a module needs and offers, and which Envoy versions load it",
		`Shows what a module needs and offers, which Envoy versions would load it, and the reason for each refusal in Envoy's
own words. No code of the module is run.`,
		"one of the Envoy versions would not load the module",
		`  hostsim inspect filter.wasm
  hostsim inspect --profile 1.39,1.40 filter.wasm
  hostsim inspect --output json filter.wasm | jq '.verdicts[] | select(.loads | not)'`,
		func(c *cobra.Command, path string) error {
			return inspect(c, path, profiles, output.value)
		})
	output = addOutput(c, "table")
	c.Flags().StringSliceVar(&profiles, "profile", hostsim.Profiles(), "Envoy versions to check")
	must(c.RegisterFlagCompletionFunc("profile", cobra.FixedCompletions(hostsim.Profiles(), cobra.ShellCompDirectiveNoFileComp)))
	c.ValidArgsFunction = completeWasm
	return c
}

func completeWasm(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"wasm"}, cobra.ShellCompDirectiveFilterFileExt
}

// inspected is the JSON document of inspect.
type inspected struct {
	File string `json:"file"`
	hostsim.Inspection
}

func inspect(c *cobra.Command, path string, profiles []string, output string) error {
	for _, p := range profiles {
		if !slices.Contains(hostsim.Profiles(), p) {
			return fmt.Errorf("--profile %q: must be one of %s", p, strings.Join(hostsim.Profiles(), ", "))
		}
	}
	wasm, err := readModule(path)
	if err != nil {
		return err
	}
	in := hostsim.Inspect(c.Context(), wasm)
	in.Verdicts = slices.DeleteFunc(in.Verdicts, func(v wasmhost.Fitness) bool { return !slices.Contains(profiles, v.Profile) })
	if output == "json" {
		err = printJSON(c.OutOrStdout(), inspected{path, in})
	} else {
		err = printInspection(c.OutOrStdout(), path, in)
	}
	if err != nil {
		return err
	}
	if slices.ContainsFunc(in.Verdicts, func(v wasmhost.Fitness) bool { return !v.Loads }) {
		return errFound
	}
	return nil
}

// maxRows bounds each list on a terminal; JSON has all.
const maxRows = 500

func printInspection(w io.Writer, path string, in hostsim.Inspection) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s\n\n", path)
	fmt.Fprintf(t, "size\t%s\n", byteCount(in.Bytes))
	abi := orNone(in.ABI, "none that Envoy knows")
	if len(in.Markers) > 0 {
		abi += " (" + printable(strings.Join(in.Markers, ", ")) + ")"
	}
	fmt.Fprintf(t, "ABI\t%s\n", abi)
	if len(in.Producers) > 0 {
		fmt.Fprintf(t, "made by\t%s\n", printable(strings.Join(in.Producers, ", ")))
	}
	fmt.Fprintf(t, "starts with\t%s\n", orNone(strings.Join(in.Start, ", "), "nothing"))
	fmt.Fprintf(t, "allocator\t%s\n", orNone(in.Allocator, "none"))
	for i, name := range in.Callbacks {
		label := ""
		if i == 0 {
			label = "callbacks"
		}
		fmt.Fprintf(t, "%s\t%s\n", label, name)
	}
	printVerdicts(t, in)
	printImports(t, in.Imports)
	printExports(t, in.Exports)
	return t.Flush()
}

func printVerdicts(w io.Writer, in hostsim.Inspection) {
	fmt.Fprint(w, "\nENVOY\tLOADS\n")
	for i, v := range in.Verdicts {
		if v.Loads {
			fmt.Fprintf(w, "%s\tyes\n", v.Profile)
			continue
		}
		if i > 0 && slices.Equal(v.Refusal, in.Verdicts[i-1].Refusal) {
			fmt.Fprintf(w, "%s\tno, as %s\n", v.Profile, in.Verdicts[i-1].Profile)
			continue
		}
		fmt.Fprintf(w, "%s\tno\n", v.Profile)
		for n, r := range v.Refusal {
			if n == maxRows {
				fmt.Fprintf(w, "\t  and %d more\n", len(v.Refusal)-n)
				break
			}
			fmt.Fprintf(w, "\t  %s\n", printable(r.Words))
			if r.Hint != "" {
				fmt.Fprintf(w, "\t    (%s)\n", printable(r.Hint))
			}
		}
	}
	for _, text := range in.Warnings {
		fmt.Fprintf(w, "\nwarning: %s\n", text)
	}
}

func printImports(w io.Writer, imports []wasmhost.InspectedImport) {
	if len(imports) == 0 {
		return
	}
	fmt.Fprintf(w, "\nIMPORT\tSIGNATURE\tENVOY HAS IT\n")
	for n, i := range imports {
		if n == maxRows {
			fmt.Fprintf(w, "and %d more\n", len(imports)-n)
			break
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", printable(i.Module+"."+i.Name), orNone(i.Signature, i.Kind), who(i.Profiles))
	}
}

// who has it: profiles are consecutive, and end with the newest.
func who(profiles []string) string {
	switch all := hostsim.Profiles(); {
	case len(profiles) == 0:
		return "no"
	case len(profiles) == len(all):
		return "yes"
	default:
		return "from " + profiles[0]
	}
}

func printExports(w io.Writer, exports []wasmhost.InspectedExport) {
	if len(exports) == 0 {
		return
	}
	fmt.Fprintf(w, "\nEXPORT\tSIGNATURE\tENVOY USES IT\n")
	for n, e := range exports {
		if n == maxRows {
			fmt.Fprintf(w, "and %d more\n", len(exports)-n)
			break
		}
		known := "no"
		if e.Known {
			known = "yes"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", printable(e.Name), orNone(e.Signature, e.Kind), known)
	}
}
