//go:build soak

package e2e

import (
	"testing"
	"time"
)

// TestSoakSpikeAccuracy: five times the rate for 20 s lets pass what is allowed, not
// less, and beyond the burst at most 2 % more.
func TestSoakSpikeAccuracy(t *testing.T) { spikeAccuracy(t, 20*time.Second, 1) }
