package main_test

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario/hostdriver"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/scenariotest"
)

const scenarios = "../testdata/scenarios"

// TestScenariosNative plays the scenarios on the pure filter, without Wasm.
func TestScenariosNative(t *testing.T) { scenariotest.RunDir(t, scenarios, nativeDriver{}) }

// TestScenariosHostsim plays them on the compiled module under the simulated host.
func TestScenariosHostsim(t *testing.T) {
	scenariotest.RunDir(t, scenarios, hostdriver.New(module(t)))
}

// TestScenariosPoisoned plays them on a module that overwrites a request's headers when each callback has ended: what
// reads them later, without having kept them, reads nonsense.
func TestScenariosPoisoned(t *testing.T) {
	scenariotest.RunDir(t, scenarios, hostdriver.New(poisonedModule(t)))
}
