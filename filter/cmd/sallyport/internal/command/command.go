// Package command is the command line of sallyport, one file per subcommand.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitOK    = 0
	exitFound = 1 // the command did its work, and the answer is no
	exitUsage = 2 // it could not do its work: flags, paths, files
)

// errFound is for a command that has said everything that it found.
var errFound = errors.New("")

// defaultFile is the configuration when --file does not say.
const defaultFile = "sallyport.yaml"

// Main runs the command line and returns the exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFound):
		return exitFound
	}
	fmt.Fprintln(stderr, "sallyport: "+err.Error())
	return exitUsage
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "sallyport",
		Short: "Manage the configuration of a Sallyport gateway",
		Long: `sallyport manages the configuration of a Sallyport gateway: it mints API keys, lists who may call what, and checks a
configuration with the filter's own loader before a proxy sees it.

The configuration is a YAML file (--file, ` + defaultFile + ` by default). Commands that change it keep its comments, order
and style, and replace it atomically: at any moment it is either the old one or the new one.

Exit codes:
  0  done; nothing is wrong
  1  done, but something is wrong: a check found a fault, a version cannot be retired
  2  not done: a wrong flag or path, a file that cannot be read or changed`,
		Example: `  sallyport products add portal --api customers --scope customers.read
  sallyport apps add global-customer-portal --product portal --developer portal-team@example.com
  sallyport keys mint --app global-customer-portal --expires 90d
  sallyport check sallyport.yaml --envoy envoy.yaml
  sallyport render --for envoy --backend backend.example.internal:8443 > envoy.yaml
  sallyport usage --prometheus http://127.0.0.1:9090 --api customers`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w: see '%s --help'", err, c.CommandPath())
	})
	root.AddCommand(newInit(), newSim(), newKeys(), newApps(), newProducts(), newAPIs(), newSequence(), newCheck(), newSchema(), newRender(), newExplain(), newUsage(), newQuota(), newImportFrom())
	completeNames(root)
	return root
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// group is a command that only has subcommands.
func group(use, short, long string, sub ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Long: long, Args: func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("%s has no command %q: see '%s --help'", c.CommandPath(), args[0], c.CommandPath())
		}
		return nil
	}, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(sub...)
	return c
}

// exactly requires n arguments, which Use names.
func exactly(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return fmt.Errorf("%s takes %d arguments and got %d: see '%s --help'", c.CommandPath(), n, len(args), c.CommandPath())
		}
		return nil
	}
}

func addFile(c *cobra.Command) *string {
	file := c.Flags().String("file", defaultFile, "the configuration, a YAML file")
	must(c.MarkFlagFilename("file", "yaml", "yml"))
	return file
}

// must is for what fails only by a mistake in this package.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
