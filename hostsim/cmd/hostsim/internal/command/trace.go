package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/hostdriver"
)

// traceFlags are the flags of trace.
type traceFlags struct {
	*plugin
	output            *choice
	method, body      string
	headers, clusters []string
	upstream          string
	startup, log      bool
	timeout           time.Duration
}

func newTrace() *cobra.Command {
	f := &traceFlags{}
	c := newCommand("trace", "URL", "Play one request and list every hostcall",
		`Plays one request through the filter and lists every callback and hostcall in order: when on the simulated clock, how
long in real time, with what status, and how many bytes, but never a value. Nothing is sent anywhere: clusters and
backend answer from files, which hold either a response or a line that says how the cluster fails:

  HTTP/1.1 200                          fault: timeout
  content-type: application/json

  {"active": true, "exp": ${now+3600}}

The faults: refuse, timeout, reset, reset_mid_body, no_endpoints, not_http, oversize BYTES, slow DURATION.
The clock starts at the real time and moves as far as the request needs.`,
		"the module does not load, the filter refuses its configuration, crashes, or lets the request hang",
		`  hostsim trace --wasm filter.wasm --config config.yaml http://example.com/orders?page=2
  hostsim trace --wasm filter.wasm --config config.yaml --method POST --header 'x-api-key: k1' --body order.json \
    --cluster okta=active.http --upstream created.http https://api.example.com/orders
  hostsim trace --wasm filter.wasm --startup --output json http://example.com/ | jq '.trace[].call'`,
		func(c *cobra.Command, url string) error { return f.trace(c, url) })
	f.plugin = addPlugin(c)
	f.output = addOutput(c, "text")
	c.Flags().StringVar(&f.method, "method", "GET", "method of the request")
	c.Flags().StringArrayVar(&f.headers, "header", nil, "'name: value' of the request; repeatable, in order")
	addFile(c, &f.body, "body", "file with the body of the request")
	c.Flags().StringArrayVar(&f.clusters, "cluster", nil, "NAME=FILE: how a cluster that the filter calls answers; repeatable")
	addFile(c, &f.upstream, "upstream", "file with the backend's answer (default: 200, text)")
	c.Flags().BoolVar(&f.startup, "startup", false, "also list what happens before the request: vm_start, configure")
	c.Flags().BoolVar(&f.log, "log", false, "also print the filter's log lines, with whatever it puts there")
	c.Flags().DurationVar(&f.timeout, "timeout", time.Minute, "how long it may take in real time")
	c.ValidArgsFunction = cobra.NoFileCompletions
	return c
}

func (f *traceFlags) trace(c *cobra.Command, url string) error {
	if f.timeout <= 0 {
		return fmt.Errorf("--timeout %v: must be above 0", f.timeout)
	}
	request, err := f.request(url)
	if err != nil {
		return err
	}
	options, err := f.hostOptions()
	if err != nil {
		return err
	}
	t, err := guarded(c.Context(), f.timeout, func(ctx context.Context) (*traced, error) { return f.play(ctx, options, request) })
	switch {
	case errors.Is(err, errStuck):
		return found("%v: nothing to show", err)
	case err != nil:
		return err
	}
	if f.output.value == "json" {
		err = printJSON(c.OutOrStdout(), t.document(f.startup, f.log))
	} else {
		t.print(c.OutOrStdout(), f.startup, f.log)
	}
	if err != nil {
		return err
	}
	return t.verdict()
}

// hostOptions are those of the plugin and of what it calls.
func (f *traceFlags) hostOptions() ([]hostsim.Option, error) {
	clock := hostsim.NewFakeClock(time.Now().Truncate(time.Second))
	options, err := f.options()
	if err != nil {
		return nil, err
	}
	options = append(options, hostsim.WithClock(clock), hostsim.WithTrace())
	taken := map[string]bool{}
	for _, text := range f.clusters {
		name, path, err := pair("cluster", text, taken)
		if err != nil {
			return nil, err
		}
		answer, err := readAnswer(path, clock.Now())
		if err != nil {
			return nil, fmt.Errorf("--cluster %s: %w", name, err)
		}
		if answer.Fault != scenario.FaultUnknown {
			options = append(options, hostsim.WithCluster(name, hostdriver.Answer(answer)))
		}
	}
	if f.upstream != "" {
		answer, err := readAnswer(f.upstream, clock.Now())
		if err != nil {
			return nil, fmt.Errorf("--upstream: %w", err)
		}
		options = append(options, hostsim.WithUpstream(hostdriver.Answer(answer)))
	}
	return options, nil
}

func readAnswer(path string, now time.Time) (scenario.Answer, error) {
	text, err := readFile("answer", path, maxAnswer, "give a file that begins with HTTP/1.1 STATUS or with fault: WORD")
	if err != nil {
		return scenario.Answer{}, err
	}
	return scenario.ParseAnswer(path, text, scenario.Vars{Now: now})
}

// play starts the guest and plays the request. What happened is there even if the stream hung.
func (f *traceFlags) play(ctx context.Context, options []hostsim.Option, r hostsim.Request) (_ *traced, err error) {
	host, end, err := f.start(ctx, options)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	t := &traced{request: r, startup: host.Trace(), startupLog: host.Log(), began: host.Clock().Now()}
	t.response, t.exchange, err = host.Do(ctx, r)
	return t, err
}
