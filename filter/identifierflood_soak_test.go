//go:build soak

package main_test

import "testing"

// TestSoakIdentifierFlood: ten million identifiers leave the memory of the guests
// and of their host as it was, and a victim its limit.
func TestSoakIdentifierFlood(t *testing.T) { identifierFlood(t, 10_000_000) }
