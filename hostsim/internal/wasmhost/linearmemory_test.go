package wasmhost

import (
	"bytes"
	"sync/atomic"
	"testing"
)

// TestSpareMemory: what a VM leaves behind comes to the next one zeroed, and is never with two at a time.
func TestSpareMemory(t *testing.T) {
	var spares spareMemory
	var limit atomic.Uint64
	vm := func(size uint64) *linearMemory {
		m := &linearMemory{limit: &limit, spares: &spares}
		m.Allocate(pageSize, 0)
		if b := m.Reallocate(size); uint64(len(b)) != size || bytes.Count(b, []byte{0}) != len(b) {
			t.Fatalf("%d bytes, not all zero, want %d", len(b), size)
		}
		m.started()
		return m
	}
	first := vm(3 * pageSize)
	for i := range first.bytes {
		first.bytes[i] = 0xff
	}
	kept := &first.bytes[0]
	first.release()
	second := vm(3 * pageSize)
	if &second.bytes[0] != kept {
		t.Error("spare memory was not used")
	}
	third := vm(3 * pageSize)
	if &third.bytes[0] == kept {
		t.Error("two VMs have the same memory")
	}
	second.bytes[pageSize] = 1
	second.release()
	grown := vm(5 * pageSize) // it grows out of what it is given
	grown.release()
	for range 2 * maxSpares {
		(&linearMemory{bytes: make([]byte, pageSize), limit: &limit, spares: &spares}).release()
	}
	if len(spares.free) > maxSpares {
		t.Errorf("%d spares", len(spares.free))
	}
	large := &linearMemory{bytes: make([]byte, maxSpareBytes+1), limit: &limit, spares: &spares}
	spares.free = nil
	large.release()
	if len(spares.free) != 0 {
		t.Error("a VM out of all proportion was kept")
	}
	limit.Store(4 * pageSize)
	bounded := vm(4 * pageSize)
	if bounded.Reallocate(5*pageSize) != nil {
		t.Error("it grew beyond the limit")
	}
}
