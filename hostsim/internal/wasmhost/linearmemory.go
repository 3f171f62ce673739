package wasmhost

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
)

// linearMemory is the memory of one VM. wazero asks for it through the context of the instantiation.
type linearMemory struct {
	bytes  []byte
	limit  *atomic.Uint64 // 0: only the module's own limit
	spares *spareMemory
}

// spareMemory is what VMs of one module leave to the next: most of the cost of a start is fresh memory.
type spareMemory struct {
	mu sync.Mutex
	// usual is how much VMs had after their start: with that much room from the beginning, nothing has to be copied as the
	// guest's runtime grows its memory.
	usual uint64
	free  [][]byte // zeroed
}

// maxSpares and maxSpareBytes bound what is kept: the VMs of a small host, unless one has grown out of all proportion.
const (
	maxSpares     = 4
	maxSpareBytes = 16 << 20
)

func (s *spareMemory) take(size uint64) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	size = max(size, s.usual)
	for i, b := range s.free {
		if uint64(cap(b)) >= size {
			s.free = slices.Delete(s.free, i, i+1)
			return b
		}
	}
	return make([]byte, 0, size)
}

func (s *spareMemory) give(b []byte) {
	if cap(b) > maxSpareBytes {
		return
	}
	clear(b) // nothing was written beyond its length
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.free) < maxSpares {
		s.free = append(s.free, b[:0])
	}
}

var _ experimental.MemoryAllocator = (*linearMemory)(nil)

// check returns a *LoadError when the module begins with more than the limit.
func (m *linearMemory) check(code wazero.CompiledModule) error {
	limit := m.limit.Load()
	for _, def := range code.ExportedMemories() {
		if need := uint64(def.Min()) * pageSize; limit > 0 && need > limit {
			return &LoadError{fmt.Sprintf("Failed to initialize Wasm code (it begins with %d bytes of memory, but WithMemoryLimit allows %d)", need, limit)}
		}
	}
	return nil
}

// Allocate is called once, as a VM has one memory.
func (m *linearMemory) Allocate(initial, _ uint64) experimental.LinearMemory {
	m.bytes = m.spares.take(initial)
	return m
}

// Reallocate returns the memory with a new size; beyond the limit nil, so that the guest's memory.grow returns -1.
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

// Free does nothing: a call into the guest may still be returning. See release.
func (m *linearMemory) Free() {}

// release is for a VM that is closed and has no call under way.
func (m *linearMemory) release() {
	m.spares.give(m.bytes)
	m.bytes = nil
}

// pageSize is the unit of a memory's size.
const pageSize = 64 << 10

// maxMemoryPages is the 1 GiB that a VM may grow to.
const maxMemoryPages = 1 << 30 / pageSize

// started notes how much memory a VM has after its start.
func (m *linearMemory) started() {
	m.spares.mu.Lock()
	defer m.spares.mu.Unlock()
	m.spares.usual = uint64(len(m.bytes))
}
