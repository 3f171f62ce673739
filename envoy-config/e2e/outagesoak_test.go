//go:build soak

package e2e

import (
	"testing"
	"time"
)

// TestSoakOktaOutage is the outage of a minute.
func TestSoakOktaOutage(t *testing.T) { oktaOutage(t, time.Minute) }
