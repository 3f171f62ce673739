// Package command is the command line of hostsim, one file a subcommand.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitOK    = 0
	exitFound = 1 // the command did its work and found a failure
	exitUsage = 2 // it could not do its work: flags, paths, files
)

const exitHelp = `
Exit codes:
  0  everything is as it should be
  1  a failure was found: %s
  2  a usage error: a flag, a path, or a file that cannot be read`

// foundError is a failure that the command is there to find; every other error is a usage error. The text is empty when
// everything has been said.
type foundError struct{ text string }

func (e *foundError) Error() string { return e.text }

func found(format string, args ...any) error { return &foundError{fmt.Sprintf(format, args...)} }

// errFound is for a command that has said everything.
var errFound = &foundError{}

// Main runs the command line and returns the exit code. An interrupt ends what can be ended; a second one ends the
// process.
func Main(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return exitCode(root.ExecuteContext(ctx), stderr)
}

func exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return exitOK
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(stderr, "hostsim: "+text)
	}
	var failure *foundError
	if errors.As(err, &failure) {
		return exitFound
	}
	return exitUsage
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "hostsim",
		Short: "Run any proxy-wasm filter by Envoy's rules, without an Envoy",
		Long: `hostsim runs any proxy-wasm filter (.wasm), written in any language, under a simulated host that behaves as
Envoy does: order of callbacks, statuses, failed callouts, crashes, Envoy versions 1.36 to 1.40.`,
		Example: `  hostsim inspect filter.wasm
  hostsim test scenarios --wasm filter.wasm
  hostsim trace --wasm filter.wasm --config config.yaml http://example.com/orders
  hostsim run --wasm filter.wasm --config config.yaml --upstream http://127.0.0.1:8000`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w: see '%s --help'", err, c.CommandPath())
	})
	root.AddCommand(newInspect(), newTest(), newTrace(), newRun())
	return root
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// newCommand is a subcommand that takes exactly one argument, or none when argument is "".
func newCommand(use, argument, short, long, finds, example string, run func(*cobra.Command, string) error) *cobra.Command {
	return &cobra.Command{
		Use:     strings.TrimSpace(use + " " + argument),
		Short:   short,
		Long:    long + "\n" + fmt.Sprintf(exitHelp, finds),
		Example: example,
		Args: func(c *cobra.Command, args []string) error {
			switch {
			case argument == "" && len(args) > 0:
				return fmt.Errorf("%s takes no argument but got %q: see '%s --help'", c.CommandPath(), args[0], c.CommandPath())
			case argument != "" && len(args) != 1:
				return fmt.Errorf("%s takes one argument, %s, but got %d: see '%s --help'", c.CommandPath(), argument, len(args), c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if argument == "" {
				return run(c, "")
			}
			return run(c, args[0])
		},
	}
}
