//go:build soak && linux

package e2e

import "testing"

// TestSoakGarbageTokensOnEnvoy is TestGarbageTokensOnEnvoy with an eye on memory: what 180,000 tokens add to that of
// the first 20,000 must stay below what an allocator moves by itself.
func TestSoakGarbageTokensOnEnvoy(t *testing.T) {
	early, late := garbageRun(t, 200_000, func(pid int) int { return resident(t, pid) })
	t.Logf("envoy has %d KiB after 20,000 of them, %d KiB after all", early, late)
	if float64(late) > 1.1*float64(early) {
		t.Error("envoy grew")
	}
}
