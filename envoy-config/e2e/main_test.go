package e2e

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"testing"
)

// together is how many tests run beside each other: one that waits for a report, a
// drain or an outage leaves its core to others. More of them would share two cores.
const together = 4

// TestMain lets so many parallel tests run on any machine, unless -parallel says
// otherwise. What measures time under load is not parallel: it comes before them.
func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", strconv.Itoa(together)); err != nil {
			panic(err)
		}
	}
	status := m.Run()
	if err := stopShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = max(status, 1)
	}
	os.Exit(status)
}
