//go:build soak

package bench

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
)

// TestMemoryFlatSoak sends 5 million requests to an Envoy with two workers.
func TestMemoryFlatSoak(t *testing.T) {
	needLoad(t)
	report, err := Run(t.Context(), Options{Envoy: envoytest.Find(t), Only: PartMemory, Progress: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%v", report)
	for _, c := range report.Criteria {
		if c.Number == 5 && c.State != Met {
			t.Errorf("%s: %.2f %s, %s %s", c.What, c.Value, c.Unit, c.State, c.Note)
		}
	}
}
