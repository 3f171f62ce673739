package command

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/explain"
	"github.com/sallyport-gateway/sallyport/filter/internal/nativehost"
)

// question is a request for import to explain.
type question struct {
	explain, curl              bool
	method, url, introspection string
	headers                    []string
}

func addQuestion(c *cobra.Command) *question {
	q := &question{}
	flags := c.Flags()
	flags.BoolVar(&q.explain, "explain", false, "write nothing, and show what happens to a request there and here")
	flags.StringVar(&q.method, "method", "GET", "with --explain: the request's method")
	flags.StringVar(&q.url, "url", "", "with --explain: the request's URL")
	flags.StringArrayVar(&q.headers, "header", nil, "with --explain: a header of the request, 'Name: value'; can be repeated")
	flags.BoolVar(&q.curl, "curl", false, "with --explain: read the request from standard input, as a curl line")
	flags.StringVar(&q.introspection, "answer", "", "with --explain: file with the authorization server's answer (JSON)")
	c.MarkFlagsMutuallyExclusive("curl", "url")
	c.MarkFlagsMutuallyExclusive("curl", "header")
	for _, name := range []string{"url", "curl"} {
		c.MarkFlagsMutuallyExclusive(name, "out")
	}
	return q
}

// sideBySide is a line: what Apigee runs, and what it was turned into.
type sideBySide struct {
	Flow   string `json:"flow,omitempty"`
	Policy string `json:"policy,omitempty"`
	Type   string `json:"type,omitempty"`
	Runs   string `json:"runs,omitempty"`
	Step   string `json:"step,omitempty"`
	State  string `json:"state,omitempty"`
	Reason string `json:"reason,omitempty"`
}

func explainImported(c *cobra.Command, out *output, q *question, results []*apigee.Result) error {
	if !q.curl && q.url == "" {
		return errors.New("--explain needs a request: --url, or --curl and a curl line on standard input")
	}
	asked, err := askedRequest(c, q.curl, q.method, q.url, q.headers)
	if err != nil {
		return err
	}
	var answer []byte
	if q.introspection != "" {
		if answer, err = readAnswer(q.introspection); err != nil {
			return err
		}
	}
	for _, r := range results {
		passages, ok := r.Explain(requestFor(asked))
		if !ok {
			continue
		}
		if r.Config == nil {
			return fmt.Errorf("the proxy %s was refused: import it without --explain to see why", r.Report.Name)
		}
		a, err := askImported(r, asked, answer)
		if err != nil {
			return err
		}
		return printSideBySide(c, out, passages, a)
	}
	fmt.Fprintln(c.OutOrStdout(), "None of the given proxies has this path.")
	return errFound
}

func requestFor(asked nativehost.Request) apigee.Request {
	q := apigee.Request{Method: asked.Method, Headers: map[string]string{}}
	q.Path, q.Query, _ = strings.Cut(asked.Target, "?")
	for _, h := range asked.Headers {
		name := strings.ToLower(h.Name)
		if _, twice := q.Headers[name]; !twice {
			q.Headers[name] = h.Value
		}
	}
	return q
}

func askImported(r *apigee.Result, asked nativehost.Request, answer []byte) (explain.Explanation, error) {
	d, err := document.Parse(r.Config)
	if err != nil {
		return explain.Explanation{}, err
	}
	config, err := d.JSON()
	if err != nil {
		return explain.Explanation{}, err
	}
	return explain.Ask(explain.Question{Config: config, Env: os.LookupEnv, Request: asked, Introspection: answer, Now: time.Now()})
}

// printSideBySide puts each step beside the policy that it was made from, and
// those that Apigee does not have at the end.
func printSideBySide(c *cobra.Command, out *output, passages []apigee.Passage, a explain.Explanation) error {
	lines := []sideBySide{}
	shown := map[int]bool{}
	add := func(line sideBySide, steps []int) {
		if len(steps) == 0 {
			lines = append(lines, line)
		}
		for _, n := range steps {
			if n >= len(a.Doors) {
				continue
			}
			shown[n] = true
			line.Step, line.State, line.Reason = strconv.Itoa(n+1)+" "+a.Doors[n].Step, a.Doors[n].State, a.Doors[n].Reason
			lines = append(lines, line)
		}
	}
	for _, p := range passages {
		add(sideBySide{Flow: p.Flow, Policy: p.Policy, Type: p.Type, Runs: p.Runs}, p.Steps)
	}
	for n := range a.Doors {
		if !shown[n] {
			add(sideBySide{}, []int{n})
		}
	}
	t := &table{head: []string{"APIGEE", "POLICY", "RUNS", "STEP", "DOOR", "REASON"}}
	for _, l := range lines {
		t.add(l.Flow, l.Policy, l.Runs, l.Step, l.State, l.Reason)
	}
	if err := out.print(c.OutOrStdout(), map[string]any{"lines": lines, "decided": a.Decided, "status": a.Status, "reason": a.Reason}, t); err != nil {
		return err
	}
	if out.format == formats[0] {
		printConclusion(c.OutOrStdout(), a)
	}
	if !a.Decided || a.Reason != "" {
		return errFound
	}
	return nil
}
