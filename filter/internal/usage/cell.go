package usage

import (
	"unsafe"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

// cells is how many kinds of calls are found without a map, whose hash of five
// names costs as much as a hostcall.
const cells = 256

// cell is a kind of calls and where it is counted. The zero value is free.
type cell struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	counter counter
	calls   host.Counter
	latency host.Histogram // of allowed calls
	passing bool           // good for one call only

	// The key that such a call used last, and the time for which its metric
	// already says so.
	key       string
	from, due int64 // unix nanoseconds
}

// cell chooses a cell. Names of the catalog do not move, so their addresses are
// enough to choose by; whether they are the same is decided by comparing them.
func (k *counter) cell() int {
	const odd = 0x9e3779b97f4a7c15 // 2^64 over the golden ratio
	at := func(s string) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.StringData(s)))) }
	h := at(k.party.App)
	h = h*odd + at(k.party.Product)
	h = h*odd + at(k.party.API)
	h = h*odd + at(k.party.Version)
	h = h*odd + uint64(k.reason)<<8 + uint64(k.class)
	return int(h * odd >> 56)
}
