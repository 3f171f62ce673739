package command

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apikey"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/starter"
)

func newInit() *cobra.Command {
	var a starter.Answers
	var ask bool
	c := &cobra.Command{
		Use:   "init",
		Short: "Write a first configuration, with one API, one app and its key",
		Long: `Init writes a configuration that passes 'sallyport check --strict' and that 'sallyport render' accepts: one API, one product,
one app with a new key, a rate limit for each client, and the steps that verify key and token. On a terminal it asks for
whatever the flags do not give. The key goes to standard output and is not shown again; what to do next goes to standard
error. An existing file is never replaced.

Identity servers (--server):
  okta      a custom authorization server: --issuer https://YOUR.okta.com/oauth2/default
  keycloak  a realm: --issuer https://HOST/realms/REALM
  entra     a tenant: --issuer https://login.microsoftonline.com/TENANT/v2.0; it is never called, so no --client-id
  rfc7662   any other: --issuer, and --introspection with the URL of its introspection endpoint
  none      API keys only`,
		Example: `  sallyport init
  sallyport init --api customers --host api.example.com --issuer https://YOUR.okta.com/oauth2/default --audience api://default --client-id 0oa1gateway
  sallyport init --api customers --server none > key.txt`,
		Args: exactly(0),
	}
	file := addFile(c)
	f := c.Flags()
	f.StringVar(&a.API, "api", "customers", "name of the API")
	f.StringVar(&a.Version, "api-version", "v1", "version of the API")
	f.StringVar(&a.BasePath, "base-path", "", "base path of the API (default: /NAME/VERSION)")
	f.StringSliceVar(&a.Hosts, "host", nil, "a host that the API is served under; any by default")
	f.StringVar(&a.App, "app", "first-app", "name of the app that calls")
	f.StringVar(&a.Developer, "developer", "nobody@example.com", "who is responsible for the app")
	f.StringSliceVar(&a.Scopes, "scope", nil, "a scope of which a token must have at least one")
	f.StringSliceVar(&a.TokenClients, "token-client", nil, "the OAuth client whose tokens come with the app's key; any by default")
	f.StringVar(&a.KeyHeader, "key-header", "x-api-key", "the header with the API key")
	f.StringVar(&a.Rate, "rate", "20ps", "how many requests one client may send: 20ps is per second, 600pm per minute")
	f.IntVar(&a.Burst, "burst", 20, "how many of them may come at once: a page opens about 6 connections")
	f.StringVar(&a.Server, "server", "okta", "who issues the tokens: "+strings.Join(starter.Kinds, ", "))
	f.StringVar(&a.Issuer, "issuer", "", "URL of the issuer, as in a token's iss")
	f.StringVar(&a.Introspection, "introspection", "", "with --server rfc7662: URL of the introspection endpoint")
	f.StringVar(&a.Audience, "audience", "", "who the tokens are for, as in a token's aud")
	f.StringVar(&a.ClientID, "client-id", "", "the gateway's own client at the identity server")
	f.StringVar(&a.SecretEnv, "secret-env", "", "the environment variable with that client's secret (default: SERVER_CLIENT_SECRET)")
	f.BoolVar(&ask, "ask", false, "ask on standard input for whatever the flags do not give, even if it is not a terminal")
	must(c.RegisterFlagCompletionFunc("server", cobra.FixedCompletions(starter.Kinds, cobra.ShellCompDirectiveNoFileComp)))
	c.RunE = func(c *cobra.Command, _ []string) error {
		if _, err := os.Stat(*file); err == nil {
			return fmt.Errorf("%s already exists: change it with 'sallyport apis', 'products', 'apps', 'keys' and 'sequence', or name another --file", *file)
		}
		if ask || isTerminal(c.InOrStdin()) {
			if err := questions(c, &a); err != nil {
				return err
			}
		}
		if err := missing(c, a); err != nil {
			return err
		}
		a.BasePath = cmp.Or(a.BasePath, "/"+a.API+"/"+a.Version)
		return writeFirst(c, *file, a)
	}
	return c
}

// isTerminal reports whether a person sits at the other end.
func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	none, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, none)
}

// asking is one flag that init asks for.
type asking struct {
	flag, text string
	when       func(starter.Answers) bool // nil: always
}

func hasServer(a starter.Answers) bool { return a.Server != "none" }

func asksServer(a starter.Answers) bool { return a.Server != "none" && a.Server != "entra" }

var questionsOfInit = []asking{
	{"api", "Name of the API", nil},
	{"api-version", "Its version", nil},
	{"host", "Host that it is served under (empty: any)", nil},
	{"app", "Name of the app that calls it", nil},
	{"developer", "Who is responsible for the app", nil},
	{"key-header", "Header with the API key", nil},
	{"rate", "Requests that one client may send (20ps is per second, 600pm per minute)", nil},
	{"server", "Who issues tokens (" + strings.Join(starter.Kinds, ", ") + ")", nil},
	{"issuer", "URL of the issuer, such as https://YOUR.okta.com/oauth2/default", hasServer},
	{"introspection", "URL of the introspection endpoint", func(a starter.Answers) bool { return a.Server == "rfc7662" }},
	{"audience", "Audience of the tokens, such as api://default", hasServer},
	{"client-id", "The gateway's own client there", asksServer},
}

// questions asks for each flag when none was given, and otherwise for those that have no default. An empty line takes
// what is in brackets.
func questions(c *cobra.Command, a *starter.Answers) error {
	lines := bufio.NewScanner(io.LimitReader(c.InOrStdin(), maxAsked))
	some := slices.ContainsFunc(questionsOfInit, func(q asking) bool { return c.Flags().Changed(q.flag) })
	for _, q := range questionsOfInit {
		flag := c.Flags().Lookup(q.flag)
		if flag.Changed || some && q.when == nil || q.when != nil && !q.when(*a) {
			continue
		}
		if flag.DefValue != "" && flag.DefValue != "[]" {
			fmt.Fprintf(c.ErrOrStderr(), "%s [%s]: ", q.text, flag.DefValue)
		} else {
			fmt.Fprintf(c.ErrOrStderr(), "%s: ", q.text)
		}
		if !lines.Scan() {
			if err := lines.Err(); err != nil {
				return fmt.Errorf("read the answers: %w", err)
			}
			return errors.New("read the answers: they end before the questions do")
		}
		if answer := strings.TrimSpace(lines.Text()); answer != "" {
			if err := c.Flags().Set(q.flag, answer); err != nil {
				return fmt.Errorf("--%s: %w", q.flag, err)
			}
			if err := a.Known(); err != nil {
				return err
			}
		}
	}
	return nil
}

// missing names all flags at once that this identity server needs.
func missing(c *cobra.Command, a starter.Answers) error {
	if err := a.Known(); err != nil {
		return err
	}
	var names []string
	for _, q := range questionsOfInit {
		if q.when != nil && q.when(a) && c.Flags().Lookup(q.flag).Value.String() == "" {
			names = append(names, "--"+q.flag)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("an identity server of the kind %s needs %s; for API keys only: --server none", a.Server, strings.Join(names, ", "))
}

func writeFirst(c *cobra.Command, file string, a starter.Answers) error {
	m := minted{Key: apikey.Mint(), ID: newID(time.Now()), App: a.App}
	text, err := a.Text(m.ID, apikey.SHA256(m.Key))
	if err != nil {
		return err
	}
	first, err := document.Parse(text)
	if err != nil {
		return err
	}
	if _, problems := load(first); len(problems) > 0 {
		return fmt.Errorf("nothing was written, because the filter would refuse it: %s", problems[0])
	}
	err = document.Update(file, func(d *document.Document) error {
		if len(d.Text()) > 0 {
			return fmt.Errorf("%s already exists", file)
		}
		*d = *first
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(c.ErrOrStderr(), "wrote %s: API %s/%s at %s, app %s.\n", file, a.API, a.Version, a.BasePath, a.App)
	if err := printMinted(c, &output{format: formats[0]}, m); err != nil {
		return err
	}
	next(c.ErrOrStderr(), file, a)
	return nil
}

// next says what to do with the file.
func next(w io.Writer, file string, a starter.Answers) {
	at, plain := "", ""
	if file != defaultFile {
		at = " --file " + file
	}
	if a.Plain() {
		plain = " --identity-tls plain"
	}
	fmt.Fprintf(w, "Next:\n  sallyport check --strict %s\n", file)
	fmt.Fprintf(w, "  sallyport render --for envoy%s --backend HOST:PORT%s > envoy.yaml   # for a first try: --backend-tls plain --listen 127.0.0.1:8000 --listen-tls plain\n", at, plain)
	if v := a.Variable(); v != "" {
		fmt.Fprintf(w, "  %s=... envoy --config-path envoy.yaml\n", v)
	} else {
		fmt.Fprintln(w, "  envoy --config-path envoy.yaml")
	}
}
