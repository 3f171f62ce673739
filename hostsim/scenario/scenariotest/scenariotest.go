// Package scenariotest plays scenarios as Go tests.
package scenariotest

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// scenarioTimeout bounds one scenario. Most take milliseconds; on a real host one
// with a timeout or an advance takes seconds.
const scenarioTimeout = 60 * time.Second

// RunDir plays every scenario below dir as a subtest and prints the closing line
// "N scenarios on DRIVER", with what failed and what the files exclude. With
// several drivers of one kind as many scenarios are played at a time, each driver
// one, as far as go test's -parallel lets them.
func RunDir(t *testing.T, dir string, d scenario.Driver, more ...scenario.Driver) {
	t.Helper()
	files, err := scenario.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	idle := make(chan scenario.Driver, 1+len(more))
	for _, d := range append(more, d) {
		idle <- d
	}
	var ran, failed, skipped atomic.Int64
	t.Cleanup(func() {
		fmt.Fprintln(os.Stdout, closingLine(d.Name(), int(ran.Load()), int(failed.Load()), int(skipped.Load())))
	})
	for _, f := range files {
		t.Run(f.Name, func(t *testing.T) {
			if reason, skip := f.Skip(d.Name()); skip {
				skipped.Add(1)
				t.Skip(reason)
			}
			if len(more) > 0 {
				t.Parallel()
			}
			ran.Add(1)
			d := <-idle
			defer func() {
				idle <- d
				if t.Skipped() {
					ran.Add(-1)
					skipped.Add(1)
				}
				if t.Failed() {
					failed.Add(1)
				}
			}()
			runFile(t, f, d)
		})
	}
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
	if reason, skip := scenario.Skipped(err); skip {
		t.Skip(reason)
	}
	if !report.OK() {
		t.Errorf("%s\n%s", f.Doc, report)
	}
	if err != nil {
		t.Error(err)
	}
}
