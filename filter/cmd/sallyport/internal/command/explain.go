package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/explain"
	"github.com/sallyport-gateway/sallyport/filter/internal/nativehost"
)

// maxAsked bounds what is read from a curl line or an answer.
const maxAsked = 1 << 20

func newExplain() *cobra.Command {
	var method, url, introspection string
	var headers []string
	var curl bool
	c := &cobra.Command{
		Use:   "explain",
		Short: "Show which API a request matches, and what each step would say",
		Long: `Explain runs one request through the filter itself, without a gateway: nothing is sent, nothing is counted. The authorization
server is not called; give its answer with --introspection, or the explanation ends there.

Pass a request with a key or a token on standard input, as a curl line: arguments are visible to everybody on the machine,
and stay in the shell's history. No value that comes with the request is printed, except an allowed origin in the answer to a
CORS preflight. Variables of the configuration that are not set in the environment count as set. Limits and caches are those
of a gateway that has just started.

Exit codes: 0 the request would be let through, or answered by the filter as a CORS preflight; 1 it would be refused, or it
depends on an answer that was not given.`,
		Example: `  sallyport explain --url https://api.example.com/customers/v1/orders/7
  echo '{"active":true,"aud":"api://default"}' > answer.json
  sallyport explain --curl --introspection answer.json < curl.txt`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return errors.New("give the request with --url and --header, or as a curl line on standard input: sallyport explain --curl < curl.txt")
			}
			return nil
		},
	}
	file := addFile(c)
	out := addOutput(c)
	c.Flags().StringVar(&method, "method", "GET", "the request's method")
	c.Flags().StringVar(&url, "url", "", "the request's URL, with the host that a client would use")
	c.Flags().StringArrayVar(&headers, "header", nil, "a header, 'Name: value'; can be repeated")
	c.Flags().BoolVar(&curl, "curl", false, "read the request from standard input, as a curl line")
	c.Flags().StringVar(&introspection, "introspection", "", "file with the authorization server's answer (JSON)")
	c.MarkFlagsMutuallyExclusive("curl", "url")
	c.MarkFlagsMutuallyExclusive("curl", "header")
	c.MarkFlagsOneRequired("curl", "url")
	c.RunE = func(c *cobra.Command, _ []string) error {
		q := explain.Question{Env: os.LookupEnv, Now: time.Now()}
		d, err := read(*file)
		if err != nil {
			return err
		}
		if q.Config, err = d.JSON(); err != nil {
			return err
		}
		if q.Request, err = askedRequest(c, curl, method, url, headers); err != nil {
			return err
		}
		if introspection != "" {
			if q.Introspection, err = readAnswer(introspection); err != nil {
				return err
			}
		}
		a, err := explain.Ask(q)
		if errors.Is(err, explain.ErrConfig) {
			return fmt.Errorf("%s: %w: see 'sallyport check %s'", *file, err, *file)
		}
		if err != nil {
			return err
		}
		if err := printAnswer(c.OutOrStdout(), out, a); err != nil {
			return err
		}
		if !a.Decided || a.Reason != "" {
			return errFound
		}
		return nil
	}
	return c
}

func askedRequest(c *cobra.Command, curl bool, method, url string, headers []string) (nativehost.Request, error) {
	if !curl {
		return explain.NewRequest(method, url, headers)
	}
	text, err := readAll(c.InOrStdin())
	var r nativehost.Request
	if err == nil {
		r, err = explain.ParseCurl(string(text))
	}
	if err != nil {
		return r, fmt.Errorf("read the curl line: %w", err)
	}
	return r, nil
}

func readAnswer(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := readAll(f)
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return text, nil
}

// readAll refuses what is too long: cut short, it would be explained as something else.
func readAll(in io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxAsked+1))
	if err == nil && len(text) > maxAsked {
		err = fmt.Errorf("it has more than %d bytes", maxAsked)
	}
	return text, err
}

func printAnswer(w io.Writer, out *output, a explain.Explanation) error {
	t := &table{head: []string{"#", "STEP", "DOOR", "REASON", "NOTE"}}
	for i, d := range a.Doors {
		notes := []string{}
		if d.Note != "" {
			notes = append(notes, d.Note)
		}
		for _, cluster := range d.Clusters {
			notes = append(notes, "cluster "+cluster)
		}
		t.add(strconv.Itoa(i+1), d.Step, d.State, d.Reason, strings.Join(notes, "; "))
	}
	if out.format != formats[0] {
		return out.print(w, a, t)
	}
	api := a.API
	if api == "" {
		api = "none: no API has this host and path"
	}
	fmt.Fprintf(w, "API %s\n", api)
	if len(a.Doors) > 0 {
		if err := out.print(w, a, t); err != nil {
			return err
		}
	}
	printConclusion(w, a)
	if len(a.Removed) > 0 {
		fmt.Fprintf(w, "  removed: %s\n", strings.Join(a.Removed, ", "))
	}
	for _, h := range a.Added {
		fmt.Fprintf(w, "  added: %s\n", printable(h))
	}
	return nil
}

// printConclusion says in words who answers the client.
func printConclusion(w io.Writer, a explain.Explanation) {
	switch {
	case !a.Decided:
		fmt.Fprintln(w, "Not decided: a step needs an answer that was not given.")
	case a.Reason != "":
		fmt.Fprintf(w, "Refused: %d %s\n", a.Status, a.Reason)
	case a.Status != 0:
		fmt.Fprintf(w, "Answered by the filter: %d\n", a.Status)
		for _, h := range a.Answer {
			fmt.Fprintf(w, "  %s\n", printable(h))
		}
	default:
		fmt.Fprintln(w, "Let through to the backend.")
	}
}
