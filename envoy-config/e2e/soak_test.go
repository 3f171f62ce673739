//go:build soak && linux

package e2e

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario/envoydriver"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/scenariotest"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

const (
	soakRounds = 5
	// soakGrowth is how much of the memory after the second round may be added until the last: every scenario adds and
	// removes a listener with its VMs, so what stays behind of each would double it.
	soakGrowth = 1.25
)

// TestSoakScenarios plays all scenarios again and again in one Envoy: hundreds of configurations come and go.
func TestSoakScenarios(t *testing.T) {
	d := newDriver(t, envoydriver.Options{Module: wasmbuild.Package(t, "./filter"), RootID: "sallyport"})
	var memory []int
	for round := range soakRounds {
		t.Run(fmt.Sprintf("round %d", round+1), func(t *testing.T) {
			scenariotest.RunDir(t, filepath.Join("..", "..", "testdata", "scenarios"), d)
		})
		memory = append(memory, resident(t, d.Process().PID()))
		t.Logf("round %d: envoy has %d KiB", round+1, memory[round])
	}
	if first, last := memory[1], memory[soakRounds-1]; float64(last) > soakGrowth*float64(first) {
		t.Errorf("envoy grew from %d KiB after round 2 to %d KiB", first, last)
	}
}
