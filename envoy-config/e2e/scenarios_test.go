package e2e

import (
	"path/filepath"
	"testing"

	"github.com/sallyport-gateway/sallyport/envoy-config/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// newDriver runs the module at path on a real Envoy until the test ends.
func newDriver(t *testing.T, o Options) *Driver {
	t.Helper()
	o.Envoy = envoyrun.ForTest(t)
	d, err := NewDriver(t.Context(), o)
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
	d := newDriver(t, Options{Module: wasmbuild.Filter(t), RootID: "sallyport", Cut: true})
	scenario.RunDir(t, filepath.Join("..", "..", "testdata", "scenarios"), d)
}
