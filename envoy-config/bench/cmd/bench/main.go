// Command bench measures what Sallyport costs on a real Envoy, next to other filters.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/sallyport-gateway/sallyport/envoy-config/bench"
	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/helper"
)

const usage = `bench measures what Sallyport costs on a real Envoy, next to filters that do the
same work or a part of it. It needs wrk and an Envoy (make envoy), runs for up
to 10 minutes, and needs a machine to itself.

  bench                          everything; prints the table
  bench -json b.json -svg b.svg  also writes it
  bench -short                   one round, in about a minute, for a look
  bench -only 'refusals/|whole'  cases whose "group/name" matches, and their bases
  bench -only memory             a part: half load, startup or memory
  bench -against old.wasm -only against
                                 this build next to others
  bench -strict                  fails if a criterion is not met

It exits with 0 if it could measure, whatever it found, unless -strict is given.

`

func main() {
	helper.Main()
	short := flag.Bool("short", false, "one round, and nothing that takes long")
	only := flag.String("only", "", "only cases, by group/name as in the table, and parts that match this `regexp`")
	strict := flag.Bool("strict", false, "fail if a criterion is not met, or if the machine was too noisy")
	against := flag.String("against", "", "also measure these other `modules` of the filter: paths, separated by commas")
	jsonFile := flag.String("json", "", "write the report to this `file`")
	svgFile := flag.String("svg", "", "write the chart to this `file`; only for a full run")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, bench.Options{Only: *only, Against: builds(*against), Short: *short, Progress: os.Stderr}, *strict, *jsonFile, *svgFile); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// builds are the paths in a list separated by commas; none for an empty list.
func builds(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

func run(ctx context.Context, o bench.Options, strict bool, jsonFile, svgFile string) error {
	report, err := bench.Run(ctx, o)
	if err != nil {
		return err
	}
	fmt.Print(report)
	if jsonFile != "" {
		text, err := json.MarshalIndent(report, "", "  ")
		if err != nil {
			return fmt.Errorf("encode the report: %w", err)
		}
		if err := write(jsonFile, string(text)+"\n"); err != nil {
			return err
		}
	}
	if svgFile != "" && o.Only == "" && !o.Short {
		if err := write(svgFile, report.SVG()); err != nil {
			return err
		}
	}
	if missed := report.Missed(); strict && (len(missed) > 0 || report.TooNoisy) {
		return fmt.Errorf("%d criteria are not met", len(missed))
	}
	return nil
}

func write(file, text string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
