package e2e

import (
	"path/filepath"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/envoydriver"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/scenariotest"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// newDriver plays on a real Envoy until the test ends.
func newDriver(t *testing.T, o envoydriver.Options) *envoydriver.Driver {
	t.Helper()
	if o.Envoy == "" {
		o.Envoy = envoytest.Find(t)
	}
	d, err := envoydriver.NewDriver(t.Context(), shippedOn(o))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func TestScenarios(t *testing.T) {
	t.Parallel()
	o := envoydriver.Options{Module: wasmbuild.Package(t, "./filter"), RootID: "sallyport", Cut: true}
	// As many Envoys as tests run together: a scenario mostly waits for what the filter counts.
	more := make([]scenario.Driver, together-1)
	for i := range more {
		more[i] = newDriver(t, o)
	}
	scenariotest.RunDir(t, filepath.Join("..", "..", "testdata", "scenarios"), newDriver(t, o), more...)
}
