//go:build wasip1 && allocations

package abi

import "runtime"

var memory runtime.MemStats

// tellAllocations sets a gauge to the number of objects that the guest has ever
// allocated, for a test that limits how many a request needs.
func tellAllocations() {
	runtime.ReadMemStats(&memory)
	if id, s := DefineMetric(Gauge, "sallyport_guest_allocations"); s == OK {
		RecordMetric(id, int64(memory.Mallocs))
	}
}
