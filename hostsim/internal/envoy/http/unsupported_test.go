package http

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// TestUnsupported: what the fidelity table calls "none" still links.
func TestUnsupported(t *testing.T) {
	b := newBadGuest(t, "page one")
	if got := abi.Status(b.call("env.envoy_resolve_dns", []uint64{2048, 4, 4096})); got != abi.StatusUnimplemented {
		t.Errorf("envoy_resolve_dns: %v", got)
	}
}
