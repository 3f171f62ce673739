package hostdriver

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// BenchmarkHostScenario is one scenario of two exchanges, with a host of its own, of a small guest in Go that is
// compiled already.
func BenchmarkHostScenario(b *testing.B) {
	files, err := scenario.Load("../testdata")
	if err != nil || len(files) != 1 {
		b.Fatal(len(files), err)
	}
	d := newDriver(b)
	b.ReportAllocs()
	for b.Loop() {
		report, err := scenario.Run(b.Context(), files[0], d)
		if err != nil || !report.OK() {
			b.Fatal(report, err)
		}
	}
}
