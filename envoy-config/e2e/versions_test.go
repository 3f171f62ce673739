//go:build versions

package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/fidelity"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/envoydriver"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// versionResult is a line of the table that TestVersions prints.
type versionResult struct {
	version           string
	scenarios, failed int
	shipped           string // envoy.yaml: "serves", or what happened
	took              time.Duration
}

// TestVersions plays all scenarios, and the shipped envoy.yaml, on every Envoy that Sallyport is said to run on, several
// of them at a time: a scenario mostly waits for what the filter counts. No version is excused from anything.
func TestVersions(t *testing.T) {
	files, err := scenario.Load(filepath.Join("..", "..", "testdata", "scenarios"))
	if err != nil {
		t.Fatal(err)
	}
	results := make([]versionResult, len(fidelity.Versions))
	t.Cleanup(func() { // when the subtests, which are parallel, have ended
		var table strings.Builder
		fmt.Fprintf(&table, "\n%-8s %9s %6s  %-10s %s\n", "Envoy", "scenarios", "failed", "envoy.yaml", "took")
		for _, r := range results {
			fmt.Fprintf(&table, "%-8s %9d %6d  %-10s %v\n", r.version, r.scenarios, r.failed, r.shipped, r.took.Round(time.Second))
		}
		t.Log(table.String())
	})
	for i, version := range fidelity.Versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			results[i] = versionResult{version: version, shipped: "NOT PLAYED"}
			binary, err := envoyrun.FindVersion(version)
			if err != nil {
				t.Fatal(err)
			}
			r, began := &results[i], time.Now()
			r.scenarios, r.failed = playAll(t, binary, files)
			r.shipped = "serves"
			if !t.Run("shipped envoy.yaml", func(t *testing.T) { wantShippedAdmits(t, binary) }) {
				r.shipped = "FAILED"
			}
			r.took = time.Since(began)
		})
	}
}

// playAll plays the scenarios on an Envoy, but for those that are for other drivers.
func playAll(t *testing.T, binary string, files []*scenario.File) (played, failed int) {
	t.Helper()
	d := newDriver(t, envoydriver.Options{Envoy: binary, Module: wasmbuild.Package(t, "./filter"), RootID: "sallyport", Cut: true})
	for _, f := range files {
		if _, skip := f.Skip(d.Name()); skip {
			continue
		}
		report, err := scenario.Run(t.Context(), f, d)
		played++
		if err != nil || !report.OK() {
			failed++
			t.Errorf("%s: %v\n%s", f.Name, err, report)
		}
	}
	return played, failed
}
