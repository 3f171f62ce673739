// Package scenariotest plays scenarios as Go tests.
package scenariotest

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// scenarioTimeout bounds one scenario. Most take milliseconds; on a real host one
// with a timeout or an advance takes seconds.
const scenarioTimeout = 60 * time.Second

// RunDir plays every scenario below dir as a subtest and prints the closing line
// "N scenarios on DRIVER", with what failed and what the files exclude.
func RunDir(t *testing.T, dir string, d scenario.Driver) {
	t.Helper()
	files, err := scenario.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	ran, failed, skipped := 0, 0, 0
	for _, f := range files {
		t.Run(f.Name, func(t *testing.T) {
			if reason, skip := f.Skip(d.Name()); skip {
				skipped++
				t.Skip(reason)
			}
			ran++
			defer func() {
				if t.Failed() {
					failed++
				}
			}()
			runFile(t, f, d)
		})
	}
	fmt.Fprintln(os.Stdout, closingLine(d.Name(), ran, failed, skipped))
}

func closingLine(driver string, ran, failed, skipped int) string {
	line := fmt.Sprintf("%d scenarios on %s", ran, driver)
	if failed > 0 {
		line += fmt.Sprintf(", %d failed", failed)
	}
	if skipped > 0 {
		line += fmt.Sprintf(", %d skipped", skipped)
	}
	return line
}

func runFile(t *testing.T, f *scenario.File, d scenario.Driver) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), scenarioTimeout)
	defer cancel()
	report, err := scenario.Run(ctx, f, d)
	if !report.OK() {
		t.Errorf("%s\n%s", f.Doc, report)
	}
	if err != nil {
		t.Error(err)
	}
}
