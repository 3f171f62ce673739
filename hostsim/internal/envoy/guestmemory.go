package envoy

// SetMemoryLimit bounds the memory of the VMs that this host has made and will make, in bytes, from now on: a guest
// that asks for more is refused, and what it does then is its own affair; most languages' runtimes trap. 0 lifts the
// limit, up to Envoy's 1 GiB. A VM keeps what it already has: see GuestMemory.
func (h *Listener) SetMemoryLimit(bytes int) { h.memoryLimit.Store(uint64(max(bytes, 0))) }

// GuestMemory is how many bytes of linear memory the host's VM has on each thread, the main thread first; 0 for none. It
// never falls: a Wasm memory can only grow.
func (h *Listener) GuestMemory() []int {
	sizes := make([]int, len(h.Process.Workers))
	for i, t := range h.Process.Workers {
		t.Run(func() {
			if g := t.guests[h.vmKey]; g != nil {
				sizes[i] = g.MemorySize()
			}
		})
	}
	return sizes
}
