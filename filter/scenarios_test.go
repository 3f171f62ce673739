package main_test

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/filter/internal/native"
	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/hostdriver"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

const scenarios = "../testdata/scenarios"

// TestScenariosNative plays the scenarios on the pure filter, without Wasm.
func TestScenariosNative(t *testing.T) { scenario.RunDir(t, scenarios, native.Driver{}) }

// TestScenariosHostsim plays them on the compiled module under the simulated host.
func TestScenariosHostsim(t *testing.T) {
	scenario.RunDir(t, scenarios, hostdriver.New(module(t)))
}

func module(t testing.TB) *hostsim.Module {
	t.Helper()
	m, err := hostsim.CompileFile(t.Context(), wasmbuild.Filter(t), hostsim.CompileOptions{})
	if err != nil {
		t.Fatalf("compile the filter: %v", err)
	}
	t.Cleanup(func() { m.Close(t.Context()) })
	return m
}
