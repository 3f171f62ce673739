package hostsim_test

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
)

func TestGuestMemory(t *testing.T) {
	sizes := newHost(t, "", hostsim.WithWorkers(2)).GuestMemory()
	if len(sizes) != 3 {
		t.Fatalf("%d threads, want 3", len(sizes))
	}
	for i, size := range sizes {
		if size == 0 || size%(64<<10) != 0 {
			t.Errorf("thread %d has %d bytes, want whole pages", i, size)
		}
	}
}
