package envoy

import (
	"sync/atomic"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/simclock"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
)

// worker is a thread of Envoy with the VMs on it; the main thread is one too.
type worker struct {
	*simclock.Thread
	process *Process
	guests  map[string]*guest // by VM key
	// hostcalls counts those of the guests on this thread.
	hostcalls atomic.Int64
}

// guest is a VM with what Envoy's contexts keep in it. Source: Envoy source/extensions/common/wasm/wasm.h Wasm.
type guest struct {
	*wasmhost.VM
	worker *worker
	remembered
	// scratch is of the hostcall that runs.
	scratch []byte
	// The last ids of callouts, gRPC calls and gRPC streams.
	lastCall, lastGRPCCall, lastGRPCStream uint32
}

// newGuest starts a VM of the host's module on a thread. The error is that of NewVM.
func (h *Listener) newGuest(w *worker) (*guest, error) {
	g := &guest{worker: w, remembered: newRemembered()}
	spec := h.spec
	spec.Root = func(v *wasmhost.VM) wasmhost.GuestContext {
		g.VM = v
		return newRoot(h, g, 0)
	}
	spec.Lost = func(*wasmhost.VM) {
		if w.guests[h.vmKey] == g {
			delete(w.guests, h.vmKey)
		}
	}
	if _, err := wasmhost.NewVM(w.Loop.Background, h.Process.Machine, w.Thread, h.linked, &spec); err != nil {
		return nil, err
	}
	return g, nil
}
