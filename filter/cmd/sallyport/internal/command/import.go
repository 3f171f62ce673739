package command

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apikey"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
)

// maxImport bounds one import.
const maxImport = 20_000

func newImport() *cobra.Command {
	var appName, from string
	c := &cobra.Command{
		Use:   "import --app NAME",
		Short: "Import existing keys",
		Long: `Import reads keys of an app, one per line, from a file or from standard input, but never from arguments, which every process
can see. A line is the key, or "id key". Only the SHA-256 of each key is kept. A key that is already known is left as it is.`,
		Example: `  sallyport keys import --app legacy --from keys.txt
  vault kv get -field=key secret/legacy | sallyport keys import --app legacy`,
		Args: exactly(0),
	}
	file := addFile(c)
	c.Flags().StringVar(&appName, "app", "", "the app that the keys are for")
	c.Flags().StringVar(&from, "from", "-", "file with the keys; - is standard input")
	must(c.MarkFlagRequired("app"))
	must(c.MarkFlagFilename("from"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		keys, err := readKeys(c.InOrStdin(), from)
		if err != nil {
			return err
		}
		added := 0
		err = update(*file, func(d *document.Document) error {
			added, err = importKeys(d, appName, keys)
			return err
		})
		if err == nil {
			fmt.Fprintf(c.ErrOrStderr(), "%s imported for app %s, %d already known.\n", plural(added, "key"), appName, len(keys)-added)
		}
		return err
	}
	return c
}

type foreignKey struct{ id, sha256 string }

// readKeys reads and checks all lines before anything is changed. No error shows a key.
func readKeys(stdin io.Reader, from string) ([]foreignKey, error) {
	in := stdin
	if from != "-" {
		f, err := os.Open(from)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	var keys []foreignKey
	now := time.Now()
	lines := bufio.NewScanner(in)
	for n := 1; lines.Scan(); n++ {
		words := strings.Fields(lines.Text())
		var k foreignKey
		switch {
		case len(words) == 0:
			continue
		case len(words) > 2:
			return nil, fmt.Errorf("line %d of the keys: write the key, or its id and the key", n)
		case len(words) == 2:
			k.id = words[0]
		default:
			k.id = newID(now)
		}
		text := words[len(words)-1]
		if err := apikey.Check(text); err != nil {
			return nil, fmt.Errorf("line %d of the keys: the key %w", n, err)
		}
		k.sha256 = apikey.SHA256(text)
		if keys = append(keys, k); len(keys) > maxImport {
			return nil, fmt.Errorf("more than %d keys at once: import them in parts", maxImport)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("no keys to import in %s", from)
	}
	return keys, nil
}

func importKeys(d *document.Document, appName string, keys []foreignKey) (added int, err error) {
	if _, err := findApp(d.Root(), appName); err != nil {
		return 0, err
	}
	owner := map[string]string{}
	for _, a := range document.Items(document.Member(d.Root(), "apps")) {
		for _, k := range document.Items(document.Member(a, "keys")) {
			owner[strings.ToLower(document.Text(k, "sha256"))] = document.Text(a, "name")
		}
	}
	var nodes []*yaml.Node
	for _, k := range keys {
		switch other, known := owner[k.sha256]; {
		case known && other != appName:
			return 0, fmt.Errorf("a key to import (id %s) already belongs to app %s", k.id, other)
		case known:
			continue
		}
		owner[k.sha256] = appName
		nodes = append(nodes, document.Mapping("id", k.id, "sha256", k.sha256))
	}
	a, err := findApp(d.Root(), appName)
	if err != nil {
		return 0, err
	}
	return len(nodes), d.AppendLines(a, "keys", nodes...)
}
