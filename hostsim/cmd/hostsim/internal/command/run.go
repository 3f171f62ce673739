package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/gateway"
)

// Bounds of the gateway's listener: Envoy's own, and how long requests in flight get when it ends.
const (
	maxHeaderBytes    = 60 << 10
	readHeaderTimeout = 10 * time.Second
	drainTime         = 5 * time.Second
)

// runFlags are the flags of run.
type runFlags struct {
	*plugin
	output           *choice
	upstream, listen string
	clusters         []string
	workers          int
}

func newRun() *cobra.Command {
	f := &runFlags{}
	c := newCommand("run", "", "Run a local gateway with the filter in it",
		`Listens for HTTP, passes each request through the filter and then to --upstream, and lets the filter call the
servers named by --cluster. The filter's log goes to the standard error stream. For development only: it follows
Envoy's rules, but lacks its strength. An interrupt (Ctrl-C) ends it: it takes no new requests, and those in
flight have 5 seconds. Certificates of https servers are checked against the system's roots; SSL_CERT_FILE names others.`,
		"the module does not load, or the filter refuses its configuration",
		`  hostsim run --wasm filter.wasm --config config.yaml --upstream http://127.0.0.1:8000
  hostsim run --wasm filter.wasm --config config.yaml --listen 127.0.0.1:8080 --upstream http://127.0.0.1:8000 \
    --cluster okta=https://dev-123456.okta.com --env OKTA_CLIENT_SECRET`,
		func(c *cobra.Command, _ string) error { return f.run(c) })
	f.plugin = addPlugin(c)
	f.output = addOutput(c, "text")
	c.Flags().StringVar(&f.upstream, "upstream", "", "URL of the backend, such as http://127.0.0.1:8000 (required)")
	c.Flags().StringArrayVar(&f.clusters, "cluster", nil, "NAME=URL: a server that the filter calls by that name; repeatable")
	c.Flags().StringVar(&f.listen, "listen", "127.0.0.1:0", "address and port to listen on; port 0 takes a free one")
	c.Flags().IntVar(&f.workers, "workers", 1, "worker threads, each with a VM of its own")
	require(c, "upstream")
	c.ValidArgsFunction = cobra.NoFileCompletions
	return c
}

func (f *runFlags) run(c *cobra.Command) error {
	transport := gateway.NewTransport(nil)
	defer transport.CloseIdleConnections()
	out := &runOutput{json: f.output.value == "json", out: c.OutOrStdout(), err: c.ErrOrStderr()}
	options, err := f.hostOptions(transport, out)
	if err != nil {
		return err
	}
	backend, err := endpoint("upstream", f.upstream, transport)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(c.Context(), "tcp", f.listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w: give a free port of this machine, such as 127.0.0.1:0", f.listen, cause(err))
	}
	host, end, err := f.start(c.Context(), options)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	handler, err := gateway.New(gateway.Config{Host: host, Upstream: backend})
	if err != nil {
		return errors.Join(err, listener.Close(), end())
	}
	return errors.Join(serve(c.Context(), listener, handler, out), end())
}

func (f *runFlags) hostOptions(transport http.RoundTripper, out *runOutput) ([]hostsim.Option, error) {
	options, err := f.options()
	if err != nil {
		return nil, err
	}
	options = append(options, hostsim.WithClock(hostsim.RealClock()), hostsim.WithWorkers(f.workers), hostsim.WithLog(out.log))
	taken := map[string]bool{}
	for _, text := range f.clusters {
		name, target, err := pair("cluster", text, taken)
		if err != nil {
			return nil, err
		}
		e, err := endpoint("cluster "+name, target, transport)
		if err != nil {
			return nil, err
		}
		options = append(options, hostsim.WithCluster(name, e))
	}
	return options, nil
}

func endpoint(flag, target string, transport http.RoundTripper) (gateway.Endpoint, error) {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return gateway.Endpoint{}, fmt.Errorf("--%s: write a URL such as http://127.0.0.1:8000, without credentials", flag)
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return gateway.Endpoint{}, fmt.Errorf("--%s: leave the path out: the request brings its own", flag)
	}
	return gateway.Endpoint{Base: u, Transport: transport}, nil
}

// serve answers until the context ends.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, out *runOutput) error {
	server := &http.Server{
		Handler: handler, MaxHeaderBytes: maxHeaderBytes, ReadHeaderTimeout: readHeaderTimeout,
		ErrorLog: log.New(io.Discard, "", 0), // a client that leaves is not worth a line
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	out.listening(listener.Addr().String())
	select {
	case err := <-failed:
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	err := server.Shutdown(drain)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	if ended := <-failed; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	out.stopped()
	return err
}

// runOutput reports what happens. Log lines come from many threads.
type runOutput struct {
	mu       sync.Mutex
	json     bool
	out, err io.Writer
}

func (o *runOutput) log(l hostsim.LogLine) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.json {
		o.encode(map[string]any{"event": "log", "at": l.At.UTC().Format(time.RFC3339Nano), "level": l.Level.String(), "thread": l.Thread, "message": l.Message})
		return
	}
	fmt.Fprintf(o.err, "%s %-5s [%d] %s\n", l.At.Format(time.TimeOnly), l.Level, l.Thread, printable(l.Message))
}

func (o *runOutput) listening(address string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.json {
		o.encode(map[string]any{"event": "listening", "url": "http://" + address})
		return
	}
	fmt.Fprintf(o.out, "listening on http://%s, press Ctrl-C to stop\n", address)
}

func (o *runOutput) stopped() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.json {
		o.encode(map[string]any{"event": "stopped"})
		return
	}
	fmt.Fprintln(o.out, "stopped")
}

// encode writes one line.
func (o *runOutput) encode(v any) {
	if b, err := json.Marshal(v); err == nil {
		fmt.Fprintf(o.out, "%s\n", b)
	}
}
