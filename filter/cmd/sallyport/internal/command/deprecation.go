package command

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/usage"
)

// deprecationReport is what usage deprecation prints for machines.
type deprecationReport struct {
	usage.Deprecation
	Since string `json:"since,omitempty"` // absent: since the start of the Envoy
	Until string `json:"until"`
	// Granted are the apps that could call the version, by the configuration; absent when none was given.
	Granted []string `json:"granted,omitempty"`
}

func newDeprecation() *cobra.Command {
	var since, tolerate, api, version string
	c := &cobra.Command{
		Use:   "deprecation --api NAME --version VERSION",
		Short: "Tell whether an API version can be retired",
		Long: `Deprecation shows who called a version in a period, how often, and whether calls are declining. The verdict is
  safe to retire  no app called it, and the whole period was seen
  in use          apps called it; refused calls count too, because those apps have not moved on
  not known       no call was seen, but some could have been missed: the gateways were not scraped for the whole period, or
                  one restarted (what came after its last scrape is lost), or calls were counted under "other"

Restarts are normal: --tolerate accepts that much unseen time in total. With --file it also lists the apps that could call
the version. The exit code is 0 if it is safe to retire, and 1 otherwise.`,
		Example: `  sallyport usage deprecation --prometheus http://127.0.0.1:9090 --api customers --version v1 --since 30d
  sallyport usage deprecation --prometheus http://127.0.0.1:9090 --api customers --version v1 --file sallyport.yaml --tolerate 5m`,
		Args: exactly(0),
	}
	from, out := addSource(c), addOutput(c)
	file := c.Flags().String("file", "", "the configuration, to list the apps that could call the version")
	must(c.MarkFlagFilename("file", "yaml", "yml"))
	c.Flags().StringVar(&api, "api", "", "name of the API")
	c.Flags().StringVar(&version, "version", "", "the version to retire")
	c.Flags().StringVar(&since, "since", defaultSince, "how far to look back: 30d, 12h")
	c.Flags().StringVar(&tolerate, "tolerate", "0s", "how much unseen time to accept: 5m")
	must(c.MarkFlagRequired("api"))
	must(c.MarkFlagRequired("version"))
	c.MarkFlagsOneRequired("prometheus", "envoy")
	c.RunE = func(c *cobra.Command, _ []string) error {
		period, err := back(since, time.Now())
		if err != nil {
			return err
		}
		patience, ok := span(tolerate)
		if !ok && tolerate != "0s" {
			return fmt.Errorf("--tolerate: %q is not a duration: write 5m", tolerate)
		}
		report := deprecationReport{Until: stamp(period.Until)}
		if *file != "" {
			d, err := read(*file)
			if err != nil {
				return err
			}
			if report.Granted, err = granted(d.Root(), api, version); err != nil {
				return err
			}
		}
		record, err := from.source().Read(c.Context(), period)
		if err != nil {
			return err
		}
		if !record.Period.From.IsZero() {
			report.Since = stamp(record.Period.From)
		}
		report.Deprecation = record.Deprecate(api, version, *file != "", patience)
		if err := printDeprecation(c, out, report); err != nil {
			return err
		}
		if report.Verdict != usage.Safe {
			return errFound
		}
		return nil
	}
	return c
}

// granted lists the apps with a product for that version. It fails when the configuration has no such version.
func granted(root *yaml.Node, api, version string) ([]string, error) {
	var known []string
	for _, n := range document.Items(document.Member(root, "apis")) {
		known = append(known, document.Text(n, "name")+"/"+document.Text(n, "version"))
	}
	if !slices.Contains(known, api+"/"+version) {
		return nil, fmt.Errorf("no API %q; %s", api+"/"+version, haves(known))
	}
	apps := []string{}
	for _, p := range readProducts(root) {
		if len(p.APIs) == 0 || slices.Contains(p.APIs, api) || slices.Contains(p.APIs, api+"/"+version) {
			apps = append(apps, p.Apps...)
		}
	}
	slices.Sort(apps)
	return slices.Compact(apps), nil
}

func printDeprecation(c *cobra.Command, out *output, r deprecationReport) error {
	t := &table{head: []string{"APP", "CALLS", "DENIED", "PER DAY", "TREND", "LAST SEEN", "GRANTED"}}
	called := map[string]bool{}
	for _, caller := range r.Callers {
		called[caller.App] = true
		perDay := strconv.FormatFloat(caller.PerDay, 'f', -1, 64)
		if r.Since == "" {
			perDay = ""
		}
		t.add(caller.App, strconv.FormatUint(caller.Calls, 10), strconv.FormatUint(caller.Denied, 10), perDay, caller.Trend, seen(caller.LastSeen), r.grants(caller.App))
	}
	for _, app := range r.Granted {
		if !called[app] {
			t.add(app, "0", "0", "0", "", "", "yes")
		}
	}
	if err := out.print(c.OutOrStdout(), r, t); err != nil || out.format != "table" {
		return err
	}
	w := c.OutOrStdout()
	period := "from " + r.Since + " to " + r.Until
	if r.Since == "" {
		period = "since the start of the Envoy"
	}
	fmt.Fprintf(w, "\n%s/%s %s: %s\n", printable(r.API), printable(r.Version), period, r.Verdict)
	for _, why := range r.Because {
		fmt.Fprintf(w, "  %s\n", printable(why))
	}
	if r.Strangers > 0 {
		were := "were"
		if r.Strangers == 1 {
			were = "was"
		}
		fmt.Fprintf(w, "  %s from unidentified callers %s refused\n", plural(int(r.Strangers), "call"), were)
	}
	return nil
}

// grants says whether an app may call the version, as far as a configuration was given.
func (r deprecationReport) grants(app string) string {
	switch {
	case r.Granted == nil:
		return ""
	case slices.Contains(r.Granted, app):
		return "yes"
	}
	return "no"
}
