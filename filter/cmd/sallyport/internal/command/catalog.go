package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
	"github.com/sallyport-gateway/sallyport/filter/internal/config"
)

// app, product and key are what commands show. Times are as written in the file.
type app struct {
	Name         string   `json:"name"`
	Developer    string   `json:"developer,omitempty"`
	Status       string   `json:"status"`
	Products     []string `json:"products"`
	TokenClients []string `json:"token_clients,omitempty"`
	Keys         []key    `json:"keys"`
}

type key struct {
	ID      string `json:"id"`
	App     string `json:"app"`
	Status  string `json:"status"`
	Expires string `json:"expires,omitempty"`
	// LastUsed is known only from metrics.
	LastUsed string `json:"last_used,omitempty"`
}

type product struct {
	Name       string      `json:"name"`
	APIs       []string    `json:"apis"`       // name, or name/version; none means all
	Operations []operation `json:"operations"` // of those APIs that are not granted whole
	Scopes     []string    `json:"scopes"`
	Apps       []string    `json:"apps"`
}

type operation struct {
	API     string   `json:"api"` // as in product.APIs
	Path    string   `json:"path"`
	Methods []string `json:"methods"` // none means any
}

func orApproved(status string) string {
	if status == "" {
		return "approved"
	}
	return status
}

func texts(list *yaml.Node) []string {
	out := []string{}
	for _, n := range document.Items(list) {
		out = append(out, n.Value)
	}
	return out
}

func readApps(root *yaml.Node) []app {
	apps := []app{}
	for _, n := range document.Items(document.Member(root, "apps")) {
		a := app{
			Name: document.Text(n, "name"), Developer: document.Text(n, "developer"), Status: orApproved(document.Text(n, "status")),
			Products: texts(document.Member(n, "products")), TokenClients: texts(document.Member(n, "token_clients")), Keys: []key{},
		}
		for _, k := range document.Items(document.Member(n, "keys")) {
			a.Keys = append(a.Keys, key{ID: document.Text(k, "id"), App: a.Name, Status: orApproved(document.Text(k, "status")), Expires: document.Text(k, "expires")})
		}
		apps = append(apps, a)
	}
	return apps
}

func readProducts(root *yaml.Node) []product {
	products := []product{}
	apps := readApps(root)
	for _, n := range document.Items(document.Member(root, "products")) {
		p := product{Name: document.Text(n, "name"), APIs: []string{}, Operations: []operation{}, Scopes: texts(document.Member(n, "scopes")), Apps: []string{}}
		for _, api := range document.Items(document.Member(n, "apis")) {
			name := document.Text(api, "name")
			if version := document.Text(api, "version"); version != "" {
				name += "/" + version
			}
			p.APIs = append(p.APIs, name)
			for _, o := range document.Items(document.Member(api, "operations")) {
				p.Operations = append(p.Operations, operation{API: name, Path: document.Text(o, "path"), Methods: texts(document.Member(o, "methods"))})
			}
		}
		for _, a := range apps {
			if slices.Contains(a.Products, p.Name) {
				p.Apps = append(p.Apps, a.Name)
			}
		}
		products = append(products, p)
	}
	return products
}

// findApp gives an app's mapping, or an error that lists the existing ones.
func findApp(root *yaml.Node, name string) (*yaml.Node, error) {
	return find(root, "apps", "app", "name", name)
}

func find(root *yaml.Node, list, what, member, value string) (*yaml.Node, error) {
	var known []string
	for _, n := range document.Items(document.Member(root, list)) {
		if document.Text(n, member) == value {
			return n, nil
		}
		known = append(known, document.Text(n, member))
	}
	return nil, fmt.Errorf("no %s %q; %s", what, value, haves(known))
}

func haves(known []string) string {
	const shown = 10
	switch {
	case len(known) == 0:
		return "there is none yet"
	case len(known) > shown:
		return fmt.Sprintf("there are %s and %d more", strings.Join(known[:shown], ", "), len(known)-shown)
	}
	return "there are " + strings.Join(known, ", ")
}

// read reads the file of --file.
func read(file string) (*document.Document, error) {
	d, err := document.Read(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notThere(err)
	}
	return d, err
}

func notThere(err error) error {
	return fmt.Errorf("%w: start with 'sallyport init', or name the configuration with --file", err)
}

// update changes a file that is there, and writes it only when the filter would take it.
func update(file string, change func(*document.Document) error) error {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return notThere(err)
	}
	return document.Update(file, func(d *document.Document) error {
		_, before := load(d)
		if err := change(d); err != nil {
			return err
		}
		return takes(file, d, before)
	})
}

// takes refuses a document that the filter would refuse. before are the problems that it had before a change.
func takes(file string, d *document.Document, before []config.Problem) error {
	data, problems := load(d)
	if len(data) > config.MaxBytes {
		return fmt.Errorf("%s: would have %d bytes as JSON, more than the %d that the filter accepts", file, len(data), config.MaxBytes)
	}
	for _, p := range problems {
		if !slices.Contains(before, p) {
			return fmt.Errorf("%s: not changed, because the filter would refuse it: %s", file, p)
		}
	}
	if len(problems) > 0 {
		return fmt.Errorf("%s: not changed, because the filter already refuses it: %s: see 'sallyport check %s'", file, problems[0], file)
	}
	return nil
}

// load runs the filter's loader. An environment variable counts as set: we cannot know the VM's.
func load(d *document.Document) ([]byte, []config.Problem) {
	data, err := d.JSON()
	if err != nil {
		return nil, []config.Problem{{Message: err.Error()}}
	}
	_, problems := config.Load(data, func(string) (string, bool) { return document.AnyVariable(), true })
	return data, problems
}

// expiry reads --expires: days, a Go duration, or a time.
func expiry(s string, now time.Time) (time.Time, error) {
	if d, ok := span(s); ok {
		return now.Add(d).Truncate(time.Second), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil && t.After(now) {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time in the future: write 90d, 12h, 2027-05-01 or 2027-05-01T00:00:00Z", s)
}

// span reads days or a Go duration, longer than nothing.
func span(s string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour, err == nil && strconv.Itoa(n) == days && n > 0 && n <= 36500
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d > 0
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
