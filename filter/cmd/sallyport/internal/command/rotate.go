package command

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
)

func newRotate() *cobra.Command {
	var appName, overlap, expires, only string
	c := &cobra.Command{
		Use:   "rotate --app NAME",
		Short: "Mint a new key and let the old one expire",
		Long: `Rotate mints a new key for an app and makes its active key expire: for --overlap both work, so that the caller can switch.
The new key expires when the old one would have, unless --expires says otherwise (a time, or never). For an app with several
active keys, --key names the one to expire.`,
		Example: "  sallyport keys rotate --app global-customer-portal --overlap 7d --expires 90d",
		Args:    exactly(0),
	}
	file, out := addFile(c), addOutput(c)
	c.Flags().StringVar(&appName, "app", "", "the app whose key to replace")
	c.Flags().StringVar(&overlap, "overlap", "7d", "how long the old key keeps working")
	c.Flags().StringVar(&expires, "expires", "", "when the new key expires: 90d, a date, or never; by default when the old one would have")
	c.Flags().StringVar(&only, "key", "", "id of the key to expire, if the app has several")
	must(c.MarkFlagRequired("app"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		var m minted
		var ended string
		now := time.Now()
		err := update(*file, func(d *document.Document) error {
			a, err := findApp(d.Root(), appName)
			if err != nil {
				return err
			}
			end, err := expiry(overlap, now)
			if err != nil {
				return fmt.Errorf("--overlap: %w", err)
			}
			old, err := toRotate(a, only, now)
			if err != nil {
				return err
			}
			ended = document.Text(old, "id")
			until, err := newEnd(old, expires, end)
			if err != nil {
				return err
			}
			if before, err := document.ParseTime(document.Text(old, "expires")); err != nil || before.After(end) {
				if err := d.Set(old, "expires", timeNode(end)); err != nil {
					return err
				}
			}
			if a, err = findApp(d.Root(), appName); err != nil { // an edit reads the document again
				return err
			}
			m, err = mint(d, a, "", until, now)
			return err
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(c.ErrOrStderr(), "key %s expires after %s.\n", ended, overlap)
		return printMinted(c, out, m)
	}
	return c
}

// newEnd is when the new key expires, as --expires gives it: "" for never, and what the old key says when the flag is left out.
func newEnd(old *yaml.Node, asked string, overlap time.Time) (string, error) {
	if asked == "never" {
		return "", nil
	}
	if asked != "" {
		return asked, nil
	}
	written := document.Text(old, "expires")
	if written == "" { // it never ends
		return "", nil
	}
	end, err := document.ParseTime(written)
	if err != nil {
		return "", fmt.Errorf("the expiry of key %s: %w", document.Text(old, "id"), err)
	}
	if !end.After(overlap) {
		return "", fmt.Errorf("key %s expires on %s, before the overlap ends: say with --expires when the new one expires (90d, a date, never)", document.Text(old, "id"), stamp(end))
	}
	return stamp(end), nil
}

// toRotate finds the one active key of an app, or the one that was named.
func toRotate(a *yaml.Node, only string, now time.Time) (*yaml.Node, error) {
	var living []*yaml.Node
	var ids []string
	for _, k := range document.Items(document.Member(a, "keys")) {
		id := document.Text(k, "id")
		if only != "" && id != only {
			ids = append(ids, id)
			continue
		}
		expires, err := document.ParseTime(document.Text(k, "expires"))
		if orApproved(document.Text(k, "status")) == "approved" && (err != nil || expires.After(now)) {
			living = append(living, k)
			ids = append(ids, id)
		}
	}
	name := document.Text(a, "name")
	switch {
	case len(living) == 1:
		return living[0], nil
	case only != "":
		return nil, fmt.Errorf("app %s has no active key %q; %s", name, only, haves(ids))
	case len(living) == 0:
		return nil, fmt.Errorf("app %s has no active key to rotate: mint one", name)
	}
	return nil, fmt.Errorf("app %s has %d active keys: name the one to expire with --key; %s", name, len(living), haves(ids))
}

func newRevoke() *cobra.Command {
	c := &cobra.Command{
		Use:   "revoke ID",
		Short: "Refuse a key from now on",
		Long: `Revoke marks a key as revoked; callers are refused as soon as the proxies have the new configuration. The key stays in
the file, so that its calls can still be attributed.`,
		Example: "  sallyport keys revoke k-2026-11-24-7f3a1c",
		Args:    exactly(1),
	}
	file := addFile(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		err := update(*file, func(d *document.Document) error {
			_, k, _, err := findKey(d.Root(), args[0])
			if err != nil {
				return err
			}
			return d.Set(k, "status", document.Scalar("revoked"))
		})
		if err == nil {
			fmt.Fprintf(c.ErrOrStderr(), "key %s is revoked: apply the configuration for it to take effect.\n", args[0])
		}
		return err
	}
	return c
}
