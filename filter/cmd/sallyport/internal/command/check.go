package command

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/advice"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
	"github.com/sallyport-gateway/sallyport/filter/internal/config"
)

// finding is one line of check's answer.
type finding struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Severity string `json:"severity"` // error or warning
	Path     string `json:"path"`
	Message  string `json:"message"`
}

func newCheck() *cobra.Command {
	var envoy string
	var strict bool
	c := &cobra.Command{
		Use:   "check FILE...",
		Short: "Check configurations with the filter's own loader",
		Long: `Check reads each file as the filter would, and reports everything that is wrong, with line and path. If the filter accepts a
file, check also looks for what nobody wants: open APIs, secrets in plain text, expired keys, steps in an order that helps an
attacker. Environment variables count as set. A file may also be JSON.

With --envoy each cluster that a step names must be in the bootstrap. For manifests, check only warns about clusters that they
do not make, as others may exist already.`,
		Example: `  sallyport check sallyport.yaml
  sallyport check --strict --output json *.yaml
  sallyport check sallyport.yaml --envoy envoy.yaml`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("name at least one file to check: see '%s --help'", c.CommandPath())
			}
			return nil
		},
	}
	out := addOutput(c)
	c.Flags().StringVar(&envoy, "envoy", "", "Envoy bootstrap, or manifests for Istio or Envoy Gateway, to check that the clusters exist")
	c.Flags().BoolVar(&strict, "strict", false, "treat warnings as errors")
	must(c.MarkFlagFilename("envoy", "yaml", "yml", "json"))
	c.RunE = func(c *cobra.Command, args []string) error {
		clusters, err := knownClusters(envoy)
		if err != nil {
			return err
		}
		findings := []finding{}
		for _, file := range args {
			found, err := checkFile(file, clusters)
			if err != nil {
				return err
			}
			findings = append(findings, found...)
		}
		return report(c, out, args, findings, strict)
	}
	return c
}

// knownClusters reads the clusters of a bootstrap or of manifests; nil when they are not known.
func knownClusters(file string) (*advice.Clusters, error) {
	if file == "" {
		return nil, nil
	}
	documents, err := document.ReadAll(file)
	if err != nil {
		return nil, err
	}
	for _, d := range documents {
		if document.Member(d, "apis") != nil {
			return nil, fmt.Errorf("%s: is a configuration of the filter, not an Envoy bootstrap: --envoy takes the file that Envoy is started with, or the manifests for Istio or Envoy Gateway", file)
		}
	}
	return advice.ClustersOf(documents), nil
}

// checkFile returns an error only if the file cannot be read at all; everything else is a finding.
func checkFile(file string, clusters *advice.Clusters) ([]finding, error) {
	if _, err := os.Stat(file); err != nil {
		return nil, err
	}
	d, err := document.Read(file)
	if err != nil {
		line, message := document.ErrorLine(err)
		return []finding{{File: file, Line: line, Severity: "error", Message: strings.TrimPrefix(message, file+": ")}}, nil
	}
	if other := document.OtherKind(d.Root()); other != "" {
		return []finding{{File: file, Line: 1, Severity: "error", Message: other}}, nil
	}
	_, problems := load(d)
	var findings []finding
	for _, p := range problems {
		findings = append(findings, finding{file, d.Line(p.Path), "error", p.Path, p.Message})
	}
	if len(problems) == 0 {
		for _, f := range advice.Of(d.Root(), clusters, time.Now()) {
			severity := "warning"
			if f.Error {
				severity = "error"
			}
			findings = append(findings, finding{file, d.Line(f.Path), severity, f.Path, f.Message})
		}
	}
	slices.SortStableFunc(findings, func(a, b finding) int { return a.Line - b.Line })
	return findings, nil
}

// report prints for people in the form file:line: that editors jump to.
func report(c *cobra.Command, out *output, files []string, findings []finding, strict bool) error {
	failed, errors, warnings := false, 0, 0
	for _, f := range findings {
		if f.Severity == "error" {
			errors++
		} else {
			warnings++
		}
		failed = failed || strict || f.Severity == "error"
	}
	if out.format != "table" {
		if err := out.print(c.OutOrStdout(), findings, nil); err != nil {
			return err
		}
	} else {
		for _, f := range findings {
			p := config.Problem{Path: f.Path, Message: f.Message}
			fmt.Fprintf(c.OutOrStdout(), "%s:%s: %s: %s\n", f.File, strconv.Itoa(f.Line), f.Severity, p)
		}
		fmt.Fprintf(c.OutOrStdout(), "checked %s: %s, %s\n", plural(len(files), "file"), plural(errors, "error"), plural(warnings, "warning"))
	}
	if failed {
		return errFound
	}
	return nil
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + one + "s"
}
