// Command fidelity plays the cases of hostsim/testdata/fidelity on the simulated host and on real Envoys, and prints the
// table of what is equal and what is different. It fails when there is a difference without a reason, a reason without
// a difference, or too little is covered.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/fidelity"
)

func main() {
	versions := flag.String("versions", strings.Join(fidelity.Versions, ","), "Envoy versions")
	only := flag.String("run", "", "only cases whose names match this regular expression; then nothing is said about what is covered")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, strings.Split(*versions, ","), *only); err != nil {
		fmt.Fprintln(os.Stderr, "fidelity:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, versions []string, only string) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("read -run: %w", err)
	}
	dir, err := fidelity.Dir()
	if err != nil {
		return err
	}
	cases, err := fidelity.Load(dir)
	if err != nil {
		return err
	}
	var gaps []string
	if only == "" {
		gaps = fidelity.Gaps(cases)
	}
	cases = slices.DeleteFunc(cases, func(c *fidelity.Case) bool { return !pattern.MatchString(c.Name) })
	report, err := fidelity.Run(ctx, fidelity.Options{Versions: versions, Cases: cases})
	if report != nil {
		fmt.Print(report)
		gaps = append(report.Failures(), gaps...)
	}
	for _, gap := range gaps {
		fmt.Println("\n" + gap)
	}
	if err == nil && len(gaps) > 0 {
		err = fmt.Errorf("%d things are wrong", len(gaps))
	}
	return err
}
