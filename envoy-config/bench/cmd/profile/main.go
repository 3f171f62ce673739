// Command profile shows where the filter's time goes inside the guest.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/profile"
	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/site"
	"github.com/sallyport-gateway/sallyport/hostsim"
)

const usage = `profile prints three tables about the filter's requests (the whole sequence with a
cached token, the empty one, and two refusals): the guest by function, as Node's
V8 sees it; hostcalls by kind, on the simulated host; and what the guest
allocates. It needs node (apt-get install nodejs), and takes about a minute.

  profile               all of it
  profile -seconds 20   for a finer profile

`

func main() {
	seconds := flag.Float64("seconds", 8, "how long each request is profiled, in `seconds`")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *seconds); err != nil {
		fmt.Fprintln(os.Stderr, "profile:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, seconds float64) (err error) {
	caller, err := site.NewCaller()
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "compiling the filter with its names")
	path, err := profile.Build(ctx)
	if err != nil {
		return err
	}
	module, err := hostsim.CompileFile(ctx, path, hostsim.CompileOptions{})
	if err != nil {
		return fmt.Errorf("compile the filter for the simulated host: %w", err)
	}
	defer func() { err = errors.Join(err, module.Close(context.WithoutCancel(ctx))) }()
	var results []profile.Result
	for _, r := range profile.Requests(caller) {
		fmt.Fprintln(os.Stderr, "profiling:", r.Name)
		calls, err := profile.Hostcalls(ctx, module, caller, r)
		if err != nil {
			return err
		}
		guest, err := profile.InNode(ctx, path, caller, r, seconds)
		if err != nil {
			return err
		}
		results = append(results, profile.Result{Request: r, Guest: guest, Calls: calls})
	}
	profile.Write(os.Stdout, results)
	return nil
}
