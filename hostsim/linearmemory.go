package hostsim

import (
	"fmt"
	"sync/atomic"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
)

// linearMemory is the memory of one VM. wazero asks for it through the context of the instantiation.
type linearMemory struct {
	bytes []byte
	limit *atomic.Uint64 // 0 for none but the module's own
	// usual is how much VMs of the module had after their start: with so much room from the beginning, nothing has to be
	// copied as the guest's runtime grows its memory.
	usual *atomic.Uint64
}

var _ experimental.MemoryAllocator = (*linearMemory)(nil)

// check is a *LoadError when the module begins with more than the limit.
func (m *linearMemory) check(code wazero.CompiledModule) error {
	limit := m.limit.Load()
	for _, def := range code.ExportedMemories() {
		if need := uint64(def.Min()) * pageSize; limit > 0 && need > limit {
			return &LoadError{fmt.Sprintf("Failed to initialize Wasm code (it begins with %d bytes of memory, and WithMemoryLimit allows %d)", need, limit)}
		}
	}
	return nil
}

// Allocate is called once, as a VM has one memory.
func (m *linearMemory) Allocate(initial, _ uint64) experimental.LinearMemory {
	m.bytes = make([]byte, 0, max(initial, m.usual.Load()))
	return m
}

// Reallocate is the memory with a new size; nil, which the guest's memory.grow answers with -1, beyond the limit.
func (m *linearMemory) Reallocate(size uint64) []byte {
	if limit := m.limit.Load(); limit > 0 && size > limit {
		return nil
	}
	if more := size - uint64(len(m.bytes)); size > uint64(cap(m.bytes)) {
		m.bytes = append(m.bytes, make([]byte, more)...)
	} else {
		m.bytes = m.bytes[:size] // memory never shrinks, so what comes in is still zero
	}
	return m.bytes
}

// Free leaves it to the garbage collector: a call into the guest may still be returning.
func (m *linearMemory) Free() {}

// pageSize is the unit of a memory's size.
const pageSize = 64 << 10

// SetMemoryLimit bounds the memory of the VMs that this host has made and will make, in bytes, from now on: a guest
// that asks for more is refused, and what it does then is its own affair; most languages' runtimes trap. 0 lifts the
// limit, up to Envoy's 1 GiB. What a VM has already it keeps: see GuestMemory.
func (h *Host) SetMemoryLimit(bytes int) { h.memoryLimit.Store(uint64(max(bytes, 0))) }

// started notes how much memory a VM has after its start.
func (m *linearMemory) started() { m.usual.Store(uint64(len(m.bytes))) }
