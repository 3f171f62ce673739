package command

import (
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/quotastore"
)

// redisPassword is the variable that has the password of Redis, when it has one.
const redisPassword = "SALLYPORT_REDIS_PASSWORD"

func newQuota() *cobra.Command {
	return group("quota", "Show and reset what an app has used of its quota",
		`Quota reads the counts that envoyproxy/ratelimit keeps in Redis for quota steps in the modes exact and reconciled.
In mode local each Envoy has a count of its own, which cannot be read.`, newQuotaShow(), newQuotaReset())
}

// quotaFlags are those of both.
type quotaFlags struct {
	redis string
	party quotastore.Party
	app   string
}

func addQuotaFlags(c *cobra.Command) *quotaFlags {
	f := &quotaFlags{}
	c.Flags().StringVar(&f.redis, "redis", "127.0.0.1:6379", "address of Redis; its password is in the variable "+redisPassword)
	c.Flags().StringVar(&f.party.Domain, "domain", "sallyport", "the engine's domain")
	c.Flags().StringVar(&f.party.Quota, "name", "default", "the quota's name")
	c.Flags().StringVar(&f.app, "app", "", "whose counts")
	must(c.MarkFlagRequired("app"))
	return f
}

// counts opens Redis and reads the app's counts.
func (f *quotaFlags) counts(c *cobra.Command) (*quotastore.Redis, []quotastore.Count, error) {
	r, err := quotastore.Open(c.Context(), f.redis, os.Getenv(redisPassword))
	if err != nil {
		return nil, nil, err
	}
	f.party.Per, f.party.Who = "app", f.app
	counts, err := r.Counts(f.party)
	if err != nil {
		r.Close()
		return nil, nil, err
	}
	return r, counts, nil
}

func newQuotaShow() *cobra.Command {
	c := &cobra.Command{
		Use:     "show",
		Short:   "Show what an app has used",
		Long:    "Show lists the app's counts, one for each interval that is kept. A request that the engine refused is counted too.",
		Example: "  sallyport quota show --redis redis.example.internal:6379 --app global-customer-portal",
		Args:    exactly(0),
	}
	f, out := addQuotaFlags(c), addOutput(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		r, counts, err := f.counts(c)
		if err != nil {
			return err
		}
		defer r.Close()
		t := &table{head: []string{"QUOTA", "INTERVAL", "PRODUCT", "SINCE", "USED"}}
		for _, n := range counts {
			t.add(n.Quota, n.Interval, n.Product, stamp(n.Since), strconv.FormatInt(n.Hits, 10))
		}
		return out.print(c.OutOrStdout(), counts, t)
	}
	return c
}

func newQuotaReset() *cobra.Command {
	c := &cobra.Command{
		Use:   "reset",
		Short: "Reset what an app has used",
		Long: `Reset removes the app's counts. Envoys that know that a limit is used up ask the engine again after 5 seconds; in mode
reconciled, what they have not reported yet is counted then.`,
		Example: "  sallyport quota reset --redis redis.example.internal:6379 --app global-customer-portal",
		Args:    exactly(0),
	}
	f := addQuotaFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		r, counts, err := f.counts(c)
		if err != nil {
			return err
		}
		defer r.Close()
		for _, n := range counts {
			if err := r.Remove(n.Key); err != nil {
				return err
			}
		}
		fmt.Fprintf(c.OutOrStdout(), "removed %d counts of %s\n", len(counts), printable(f.app))
		return nil
	}
	return c
}
