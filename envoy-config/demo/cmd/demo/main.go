// Command demo runs everything on this machine: a simulated Okta, a backend
// with 2-way TLS, the gateway with the compiled filter, and a portal. It prints
// what to open and what to paste, and runs until it is interrupted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/sallyport-gateway/sallyport/envoy-config/demo"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run() (err error) {
	var o demo.Options
	flag.StringVar(&o.Wasm, "wasm", "build/sallyport.wasm", "the compiled filter")
	flag.StringVar(&o.Host, "host", demo.HostSim, "what runs the filter: "+demo.HostSim+" or "+demo.HostEnvoy)
	flag.StringVar(&o.Quota, "quota", demo.QuotaLocal, "who counts the quota: "+demo.QuotaLocal+", the gateway itself, or "+demo.QuotaRedis+", envoyproxy/ratelimit (make ratelimit)")
	flag.StringVar(&o.Gateway, "gateway", "", "address of the gateway, such as :8443 (default: a free port)")
	flag.StringVar(&o.Okta, "okta", "", "address of the simulated Okta")
	flag.StringVar(&o.Backend, "backend", "", "address of the backend")
	flag.StringVar(&o.Portal, "portal", "", "address of the portal")
	verbose := flag.Bool("verbose", false, "show everything that the parts log")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	level := slog.LevelWarn
	if *verbose {
		level = slog.LevelDebug
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})))

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	d, err := demo.Start(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.Print(os.Stdout); err != nil {
		return fmt.Errorf("print what to paste: %w", err)
	}
	fmt.Println("Running. Press Ctrl-C to stop.")
	select {
	case <-ctx.Done():
		return nil
	case <-d.Ended():
		return errors.New("envoy has ended")
	}
}
