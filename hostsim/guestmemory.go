package hostsim

// GuestMemory is how many bytes of linear memory the host's VM has on each thread, the main thread first; 0 for none. It
// never falls: a Wasm memory can only grow.
func (h *Host) GuestMemory() []int {
	sizes := make([]int, len(h.process.threads))
	for i, t := range h.process.threads {
		t.run(func() {
			if v := t.vms[h.vmKey]; v != nil {
				sizes[i] = int(v.memory.Size())
			}
		})
	}
	return sizes
}
