package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/advice"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/bundle"
	verdicts "github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/report"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
)

func newImportFrom() *cobra.Command {
	return group("import", "Convert another gateway's configuration", "Import makes configurations from what another gateway exports.", newImportApigee())
}

func newImportApigee() *cobra.Command {
	var o apigee.Options
	var products, apps, developers string
	c := &cobra.Command{
		Use:   "apigee BUNDLE...",
		Short: "Convert Apigee's proxy bundles, and report what carries over",
		Long: `Import apigee reads proxy bundles, zip files or folders, with the bundles of their shared flows beside them. For each proxy it
makes a configuration that passes 'sallyport check --strict', NAME.yaml, and for all of them a report: report.html for people,
report.json for machines, a table on standard output.

The report says for every policy whether it was carried over, with what difference, or why not, and what does its work instead.
If a policy that might keep somebody out is not carried over, the API denies there. --accept names a policy that is harmless.

Apps, products and keys come from the management API: the answers of /apiproducts, /apps and /developers with expand=true.
Keys are hashed when they are read. No secret from a bundle is written anywhere.

--explain writes nothing: for one request it shows what Apigee's flow does with it, and what each step of the configuration says.

Exit codes: 0 done, 1 done, but some API denies or some bundle was refused, 2 not done.`,
		Example: `  sallyport import apigee customers.zip shared/ --out sallyport/
  sallyport import apigee apiproxy/ --accept JS-Log --products apiproducts.json --apps apps.json --environment prod --out .
  sallyport import apigee customers.zip --introspection https://example.okta.com/oauth2/default/v1/introspect --client-id 0oa1 --audience api://default --out .`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("name at least one bundle: see '%s --help'", c.CommandPath())
			}
			return nil
		},
	}
	out := addOutput(c)
	flags := c.Flags()
	flags.StringVar(&o.Out, "out", "", "folder for the configurations and the report; files in it are replaced")
	flags.StringArrayVar(&o.Accept, "accept", nil, "a policy that is harmless to leave out; can be repeated")
	flags.StringVar(&products, "products", "", "the management API's apiproducts, JSON")
	flags.StringVar(&apps, "apps", "", "the management API's apps with their credentials, JSON")
	flags.StringVar(&developers, "developers", "", "the management API's developers, JSON: apps of inactive ones are left out")
	flags.StringVar(&o.Environment, "environment", "", "the environment to migrate from, for products that are only for some")
	flags.StringVar(&o.Introspection, "introspection", "", "URL of the authorization server's introspection endpoint, in place of Apigee's own tokens")
	flags.StringVar(&o.ClientID, "client-id", "", "the client that the gateway introspects as")
	flags.StringVar(&o.JWKS, "jwks", "", "URL of the issuer's keys, if a policy does not say")
	flags.StringVar(&o.Issuer, "issuer", "", "the issuer that tokens must come from")
	flags.StringArrayVar(&o.Audience, "audience", nil, "an audience that tokens must have; can be repeated")
	must(c.MarkFlagDirname("out"))
	ask := addQuestion(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		var err error
		if o.Out == "" && !ask.explain {
			return errors.New("say where the configurations go: --out DIR")
		}
		if products != "" || apps != "" {
			if o.Catalog, err = apigee.ReadCatalog(products, apps, developers, time.Now()); err != nil {
				return err
			}
		}
		results, err := importBundles(args, o)
		if err != nil {
			return err
		}
		if ask.explain {
			return explainImported(c, out, ask, results)
		}
		if err := writeImported(o.Out, results); err != nil {
			return err
		}
		return printImported(c.OutOrStdout(), out, results)
	}
	return c
}

// importBundles reads and maps; what the filter would refuse, or check would warn
// about, becomes a refusal.
func importBundles(args []string, o apigee.Options) ([]*apigee.Result, error) {
	var bundles []*bundle.Bundle
	for _, arg := range args {
		found, err := bundle.Read(arg)
		if err != nil {
			return nil, err
		}
		bundles = append(bundles, found...)
	}
	results, unmet := apigee.Import(bundles, o)
	if len(results) == 0 {
		return nil, errors.New("only shared flows were given: name the bundle of a proxy that calls them")
	}
	whole := !slices.ContainsFunc(results, func(r *apigee.Result) bool { return r.Config == nil })
	if len(unmet) > 0 && whole {
		return nil, fmt.Errorf("--accept %s: no policy of that name would make an API deny", strings.Join(unmet, ", --accept "))
	}
	for _, r := range results {
		if r.Config == nil {
			continue
		}
		if faults := strictFaults(r.Config); len(faults) > 0 {
			r.Refuse(faults)
		}
	}
	return results, nil
}

// strictFaults are what 'check --strict' would say.
func strictFaults(config []byte) (faults []string) {
	d, err := document.Parse(config)
	if err != nil {
		return []string{err.Error()}
	}
	_, problems := load(d)
	for _, p := range problems {
		faults = append(faults, p.String())
	}
	if len(problems) == 0 {
		for _, f := range advice.Of(d.Root(), nil, time.Now()) {
			faults = append(faults, f.Path+": "+f.Message)
		}
	}
	return faults
}

// writeImported writes the configurations and the report.
func writeImported(dir string, results []*apigee.Result) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var reports []verdicts.Proxy
	for _, r := range results {
		if r.Config != nil {
			r.Report.Config = r.Name + ".yaml"
			if err := os.WriteFile(filepath.Join(dir, r.Report.Config), r.Config, 0o644); err != nil {
				return err
			}
		}
		reports = append(reports, r.Report)
	}
	var page, machine bytes.Buffer
	if err := verdicts.HTML(&page, reports); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	e := json.NewEncoder(&machine)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(map[string]any{"proxies": reports}); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return errors.Join(os.WriteFile(filepath.Join(dir, "report.html"), page.Bytes(), 0o644), os.WriteFile(filepath.Join(dir, "report.json"), machine.Bytes(), 0o644))
}

func printImported(w io.Writer, out *output, results []*apigee.Result) error {
	reports := []verdicts.Proxy{}
	denies := false
	for _, r := range results {
		reports = append(reports, r.Report)
		denies = denies || slices.Contains([]verdicts.Fit{verdicts.Partly, verdicts.Closed, verdicts.Refused}, r.Report.Verdict)
	}
	if out.format != formats[0] {
		if err := out.print(w, map[string]any{"proxies": reports}, nil); err != nil {
			return err
		}
	} else {
		for _, p := range reports {
			printReport(w, p)
		}
	}
	if denies {
		return errFound
	}
	return nil
}

// printReport has a line for each policy, and below it what there is to say about it.
func printReport(w io.Writer, p verdicts.Proxy) {
	fmt.Fprintf(w, "%s: %s\n%s\n", printable(p.Name), p.Verdict, p.Summary)
	for _, problem := range p.Problems {
		fmt.Fprintf(w, "  %s\n", printable(problem))
	}
	for _, i := range p.Items {
		fmt.Fprintf(w, "  %s: %s %s (%s:%d)\n", i.Outcome, i.Type, printable(i.Policy), printable(filepath.Base(i.File)), i.Line)
		if i.Detail != "" {
			fmt.Fprintf(w, "      %s\n", printable(i.Detail))
		}
		if i.Instead != "" {
			fmt.Fprintf(w, "      instead: %s\n", printable(i.Instead))
		}
	}
	for _, t := range p.Targets {
		fmt.Fprintf(w, "  backend: %s\n", printable(strings.TrimSpace(t.Name+" "+t.Address)))
		if t.Detail != "" {
			fmt.Fprintf(w, "      %s\n", printable(t.Detail))
		}
	}
	for n, next := range p.Next {
		fmt.Fprintf(w, "  %d. %s\n", n+1, printable(next))
	}
}
