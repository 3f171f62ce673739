package command

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apikey"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
)

func newKeys() *cobra.Command {
	return group("keys", "Mint, rotate, revoke, change, import and list API keys",
		`A key is shown once, when it is minted; the configuration keeps its SHA-256, an id and dates. It begins with "`+apikey.Prefix+`"
and ends in a checksum; a secret scanner finds it by `+apikey.Pattern+`.`,
		newMint(), newRotate(), newRevoke(), newKeysEdit(), newKeysDelete(), newImport(), newKeysList(), newExpiry())
}

// minted is what mint and rotate print: the only time that the key is seen.
type minted struct {
	Key     string `json:"key"`
	ID      string `json:"id"`
	App     string `json:"app"`
	Expires string `json:"expires,omitempty"`
}

func newMint() *cobra.Command {
	var appName, expires, id string
	c := &cobra.Command{
		Use:   "mint --app NAME",
		Short: "Mint a key for an app, and show it once",
		Long: `Mint writes the key's SHA-256 into the configuration and then prints the key: a key that was printed is in the file. It
goes to standard output alone, so that it can be piped into a secret store.`,
		Example: `  sallyport keys mint --app global-customer-portal --expires 90d
  sallyport keys mint --app global-customer-portal --output json | jq -r .key | vault kv put secret/portal key=-`,
		Args: exactly(0),
	}
	file, out := addFile(c), addOutput(c)
	c.Flags().StringVar(&appName, "app", "", "the app that the key is for")
	c.Flags().StringVar(&expires, "expires", "", "when the key ends: 90d, 12h, or a date; never when it is left out")
	c.Flags().StringVar(&id, "id", "", "the key's id in logs; made up when it is left out")
	must(c.MarkFlagRequired("app"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		var m minted
		err := update(*file, func(d *document.Document) error {
			a, err := findApp(d.Root(), appName)
			if err != nil {
				return err
			}
			m, err = mint(d, a, id, expires, time.Now())
			return err
		})
		if err != nil {
			return err
		}
		return printMinted(c, out, m)
	}
	return c
}

// mint adds a new key to an app.
func mint(d *document.Document, a *yaml.Node, id, expires string, now time.Time) (minted, error) {
	m := minted{Key: apikey.Mint(), ID: id, App: document.Text(a, "name")}
	if m.ID == "" {
		m.ID = newID(now)
	}
	node := document.Mapping("id", m.ID, "sha256", apikey.SHA256(m.Key))
	if expires != "" {
		end, err := expiry(expires, now)
		if err != nil {
			return minted{}, fmt.Errorf("--expires: %w", err)
		}
		m.Expires = stamp(end)
		node.Content = append(node.Content, document.Scalar("expires"), timeNode(end))
	}
	return m, d.AppendLines(a, "keys", node)
}

// timeNode is a time without quotes, as people write it.
func timeNode(t time.Time) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!timestamp", Value: stamp(t)}
}

// newID is the day and a few random digits. Ids are compared in the whole file by the loader.
func newID(now time.Time) string {
	var random [3]byte
	_, _ = rand.Read(random[:]) // it ends the process rather than fail
	return "k-" + now.UTC().Format(time.DateOnly) + "-" + hex.EncodeToString(random[:])
}

func printMinted(c *cobra.Command, out *output, m minted) error {
	if out.format != "table" {
		return out.print(c.OutOrStdout(), m, nil)
	}
	if _, err := fmt.Fprintln(c.OutOrStdout(), m.Key); err != nil {
		return err
	}
	until := "never expires"
	if m.Expires != "" {
		until = "expires " + m.Expires
	}
	fmt.Fprintf(c.ErrOrStderr(), "key %s of app %s, %s. It is not shown again.\n", m.ID, m.App, until)
	return nil
}

func newKeysList() *cobra.Command {
	var appName string
	c := &cobra.Command{
		Use:   "list",
		Short: "List the keys, when they end, and when they were last used",
		Long: `List shows the keys of the configuration. With --prometheus or --envoy it shows as well when a request last came with
each, as far back as that one remembers (Prometheus: 90 days at most; Envoy: since its start), to the minute.`,
		Example: `  sallyport keys list --app global-customer-portal
  sallyport keys list --prometheus http://127.0.0.1:9090`,
		Args: exactly(0),
	}
	file, out, from := addFile(c), addOutput(c), addSource(c)
	c.Flags().StringVar(&appName, "app", "", "only those of one app")
	c.RunE = func(c *cobra.Command, _ []string) error {
		d, err := read(*file)
		if err != nil {
			return err
		}
		if appName != "" {
			if _, err := findApp(d.Root(), appName); err != nil {
				return err
			}
		}
		now := time.Now()
		t := &table{head: []string{"KEY", "APP", "STATUS", "EXPIRES"}}
		var used map[string]time.Time
		if from.given() {
			t.head = append(t.head, "LAST USED")
			if used, err = from.source().Keys(c.Context(), now); err != nil {
				return err
			}
			if len(used) == 0 {
				fmt.Fprintln(c.ErrOrStderr(), "nothing is known of the use of any key: no sallyport_key_last_used_seconds is there as far back as it remembers")
			}
		}
		keys := []key{}
		for _, a := range readApps(d.Root()) {
			for _, k := range a.Keys {
				if appName != "" && a.Name != appName {
					continue
				}
				row := []string{k.ID, k.App, k.Status, ends(k, now)}
				if at, ok := used[k.ID]; ok {
					k.LastUsed = stamp(at)
				}
				if from.given() {
					row = append(row, k.LastUsed)
				}
				keys = append(keys, k)
				t.add(row...)
			}
		}
		return out.print(c.OutOrStdout(), keys, t)
	}
	return c
}

// ends tells a person when a key ends.
func ends(k key, now time.Time) string {
	t, err := document.ParseTime(k.Expires)
	if err != nil {
		return "never"
	}
	if left := t.Sub(now); left > 0 {
		return fmt.Sprintf("%s (in %d days)", t.UTC().Format(time.DateOnly), int(left.Hours()/24))
	}
	return t.UTC().Format(time.DateOnly) + " (expired)"
}
