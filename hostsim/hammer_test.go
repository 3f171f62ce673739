package hostsim_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

const (
	hammerVMs        = 8
	hammerOperations = 100_000 // of each VM
)

// hammerAll has one request on each worker at the same time, told by x-producer, and gives each one's log.
func hammerAll(t *testing.T, h *hostsim.Host) {
	t.Helper()
	if testing.Short() {
		t.Skip("a million operations")
	}
	var wg sync.WaitGroup
	for w := range hammerVMs {
		wg.Go(func() {
			r, _, err := h.Do(t.Context(), hostsim.Request{Worker: w, Headers: abi.Headers{{Name: "x-producer", Value: strconv.Itoa(w)}}})
			if err != nil || r.Status != 200 {
				t.Errorf("worker %d: status %d, %v", w, r.Status, err)
			}
		})
	}
	wg.Wait()
}

// TestHammerSharedData: VMs count up one key by compare-and-swap. Not one count is lost.
func TestHammerSharedData(t *testing.T) {
	h := newHost(t, script("sdadd n "+strconv.Itoa(hammerOperations)), hostsim.WithWorkers(hammerVMs))
	h.Process().SetSharedData("", "n", []byte("0"))
	hammerAll(t, h)
	if got, want := string(h.Process().SharedData("")["n"]), strconv.Itoa(hammerVMs*hammerOperations); got != want {
		t.Errorf("counted %s, want %s", got, want)
	}
	t.Logf("%d hostcalls", h.Process().Hostcalls())
}

// TestHammerQueue: VMs put messages into one queue and take them out. None is lost or comes twice, and each VM sees each
// producer's messages in their order.
func TestHammerQueue(t *testing.T) {
	h := newHost(t, "configure: qregister q; metric got 0\n"+script("qhammer q "+strconv.Itoa(hammerOperations/2)+" got"), hostsim.WithWorkers(hammerVMs))
	hammerAll(t, h)
	left, _ := h.Process().Queue("", "q")
	if got, want := int(h.Process().Metric("got"))+len(left), hammerVMs*hammerOperations/2; got != want {
		t.Errorf("%d messages came out or are left, want %d", got, want)
	}
	if s := said(h.Log()); strings.Count(s, "-> disorder 0\n") != hammerVMs {
		t.Errorf("disorder:\n%s", s)
	}
}
