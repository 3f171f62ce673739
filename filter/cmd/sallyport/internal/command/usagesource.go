package command

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/usage"
)

// usageSource is where usage is read from.
type usageSource interface {
	Read(context.Context, usage.Period) (usage.Record, error)
	Keys(context.Context, time.Time) (map[string]time.Time, error)
}

// sourceFlags are --prometheus, --job and --envoy.
type sourceFlags struct{ prometheus, job, envoy string }

func addSource(c *cobra.Command) *sourceFlags {
	s := &sourceFlags{}
	c.Flags().StringVar(&s.prometheus, "prometheus", "", "URL of a Prometheus server that scrapes the gateways")
	c.Flags().StringVar(&s.job, "job", "", "with --prometheus: the scrape job of the gateways; any by default")
	c.Flags().StringVar(&s.envoy, "envoy", "", "URL of one gateway's admin interface, such as http://127.0.0.1:9901")
	c.MarkFlagsMutuallyExclusive("prometheus", "envoy")
	c.MarkFlagsMutuallyExclusive("job", "envoy")
	return s
}

func (s *sourceFlags) given() bool { return s.prometheus != "" || s.envoy != "" }

func (s *sourceFlags) source() usageSource {
	if s.envoy != "" {
		return usage.Envoy(s.envoy)
	}
	return usage.Prometheus{Address: s.prometheus, Job: s.job}
}
