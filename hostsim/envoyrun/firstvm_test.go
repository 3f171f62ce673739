package envoyrun

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/forge"
)

// The bytes are written out, since no command links what makes modules for tests.
func TestSmallestGuest(t *testing.T) {
	if want := string(forge.Guest("0_2_1").Bytes()); smallestGuest != want {
		t.Errorf("%q, want %q", smallestGuest, want)
	}
}
