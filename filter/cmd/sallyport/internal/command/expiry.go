package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
)

// expiryMetric is what the dashboard and the alert look at.
const expiryMetric = "sallyport_key_expires_seconds"

func newExpiry() *cobra.Command {
	c := &cobra.Command{
		Use:   "expiry",
		Short: "Print when keys expire, as a metric for Prometheus",
		Long: `Expiry prints ` + expiryMetric + `, the unix time at which each key expires, in Prometheus's text format. The gateway does
not report it. Pass it to node_exporter's textfile collector whenever the configuration changes: the dashboard's panel "Keys
about to expire" and the alert SallyportKeyExpires use it. Keys that never expire, and revoked ones, are left out.`,
		Example: `  sallyport keys expiry > /var/lib/node_exporter/sallyport.prom.new && mv /var/lib/node_exporter/sallyport.prom.new /var/lib/node_exporter/sallyport.prom`,
		Args:    exactly(0),
	}
	file := addFile(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		d, err := read(*file)
		if err != nil {
			return err
		}
		var b strings.Builder
		fmt.Fprintf(&b, "# HELP %s When the key expires, in seconds since 1970.\n# TYPE %s gauge\n", expiryMetric, expiryMetric)
		for _, a := range readApps(d.Root()) {
			for _, k := range a.Keys {
				ends, err := document.ParseTime(k.Expires)
				if err != nil || k.Status == "revoked" {
					continue
				}
				fmt.Fprintf(&b, "%s{app=\"%s\",key=\"%s\"} %d\n", expiryMetric, label(a.Name), label(k.ID), ends.Unix())
			}
		}
		_, err = c.OutOrStdout().Write([]byte(b.String()))
		return err
	}
	return c
}

// label escapes a label's value as Prometheus's text format requires.
func label(s string) string { return labelEscapes.Replace(s) }

var labelEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
