package command

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/usage"
)

// defaultSince is the period when --since does not say.
const defaultSince = "30d"

// usageReport is what usage prints for machines.
type usageReport struct {
	Since string      `json:"since,omitempty"` // absent: since the start of the Envoy
	Until string      `json:"until"`
	Rows  []usage.Row `json:"rows"`
	Gaps  []usage.Gap `json:"gaps"`
	Notes []string    `json:"notes"`
}

func newUsage() *cobra.Command {
	var since string
	var filter usage.Filter
	c := &cobra.Command{
		Use:   "usage",
		Short: "Show who calls which API and version, how often, and with what result",
		Long: `Usage reads what the gateways recorded: calls let through, errors (5xx) among them, refused calls by reason, the time
that calls took, and when the last one came, by app, product, API and version.

From Prometheus it counts raw samples, so the numbers are whole and exact, except for what came between a gateway's last
scrape and its end; it says so where there may be such calls. An Envoy (--envoy) only knows totals since its start.`,
		Example: `  sallyport usage --prometheus http://127.0.0.1:9090 --since 7d
  sallyport usage --envoy http://127.0.0.1:9901 --api customers --output json
  sallyport usage deprecation --prometheus http://127.0.0.1:9090 --api customers --version v1 --file sallyport.yaml`,
		Args: exactly(0),
	}
	from, out := addSource(c), addOutput(c)
	c.Flags().StringVar(&since, "since", defaultSince, "with --prometheus: how far to look back: 30d, 12h")
	c.Flags().StringVar(&filter.App, "app", "", "only the calls of one app")
	c.Flags().StringVar(&filter.API, "api", "", "only the calls of one API")
	c.Flags().StringVar(&filter.Version, "version", "", "only the calls of one version")
	c.MarkFlagsOneRequired("prometheus", "envoy")
	c.MarkFlagsMutuallyExclusive("since", "envoy")
	c.RunE = func(c *cobra.Command, _ []string) error {
		period, err := back(since, time.Now())
		if err != nil {
			return err
		}
		record, err := from.source().Read(c.Context(), period)
		if err != nil {
			return err
		}
		return printUsage(c, out, period, record, filter)
	}
	c.AddCommand(newDeprecation())
	return c
}

// back is the period that ends now.
func back(since string, now time.Time) (usage.Period, error) {
	d, ok := span(since)
	if !ok {
		return usage.Period{}, fmt.Errorf("--since: %q is not a period: write 30d or 12h", since)
	}
	return usage.Period{From: now.Add(-d), Until: now}, nil
}

func printUsage(c *cobra.Command, out *output, asked usage.Period, record usage.Record, filter usage.Filter) error {
	report := usageReport{Until: stamp(asked.Until), Rows: record.Rows(filter), Gaps: record.Coverage.Gaps, Notes: record.Coverage.Notes}
	if !record.Period.From.IsZero() {
		report.Since = stamp(record.Period.From)
	}
	t := &table{head: []string{"API", "VERSION", "APP", "PRODUCT", "CALLS", "ERRORS", "DENIED", "P50 MS", "P95 MS", "LAST SEEN"}}
	for _, r := range report.Rows {
		t.add(r.API, r.Version, r.App, r.Product, strconv.FormatUint(r.Calls, 10), strconv.FormatUint(r.Errors, 10), byReason(r.Denied),
			milliseconds(r.P50), milliseconds(r.P95), seen(r.LastSeen))
	}
	if err := out.print(c.OutOrStdout(), report, t); err != nil {
		return err
	}
	if len(record.Counts) == 0 {
		fmt.Fprintln(c.ErrOrStderr(), "nothing is known: no gateway's sallyport_usage was scraped in the period; see envoy-config/observability for the scrape configuration")
	}
	if all := record.Rows(usage.Filter{}); len(report.Rows) == 0 && len(all) > 0 {
		fmt.Fprintln(c.ErrOrStderr(), printable("no such call was counted; "+haves(callers(all))))
	}
	for _, g := range report.Gaps {
		if !g.From.IsZero() {
			fmt.Fprintln(c.ErrOrStderr(), "not seen: "+printable(g.String()))
		}
	}
	for _, n := range report.Notes {
		fmt.Fprintln(c.ErrOrStderr(), "note: "+printable(n))
	}
	return nil
}

// callers are the apps and versions that called, each once.
func callers(rows []usage.Row) (out []string) {
	for _, r := range rows {
		name := "calls of app " + cmp.Or(r.App, "unknown") + " to " + cmp.Or(r.API, "no API")
		if r.Version != "" {
			name += "/" + r.Version
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// byReason is the sum, and what it is made of, the most frequent first.
func byReason(denied map[string]uint64) string {
	if len(denied) == 0 {
		return "0"
	}
	var sum uint64
	var parts []string
	reasons := slices.SortedFunc(maps.Keys(denied), func(a, b string) int {
		if denied[a] != denied[b] {
			return int(int64(denied[b]) - int64(denied[a]))
		}
		return strings.Compare(a, b)
	})
	for _, reason := range reasons {
		sum += denied[reason]
		parts = append(parts, fmt.Sprintf("%s %d", reason, denied[reason]))
	}
	return fmt.Sprintf("%d (%s)", sum, strings.Join(parts, ", "))
}

func milliseconds(ms *float64) string {
	if ms == nil {
		return ""
	}
	return strconv.FormatFloat(*ms, 'f', -1, 64)
}

func seen(t *time.Time) string {
	if t == nil {
		return ""
	}
	return stamp(*t)
}
