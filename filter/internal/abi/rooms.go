package abi

import "github.com/sallyport-gateway/sallyport/filter/internal/host"

// The host puts its answers where proxy_on_memory_allocate says. The room for
// the headers of a request, and those for small values, are reused: the headers
// are good until the callback ends, unless KeepRequest was called, and a small
// value until the next one of its kind.
var (
	requestRoom room
	valueRoom   = room{bytes: make([]byte, valueBytes), most: valueBytes}
	sharedRoom  = room{most: sharedBytes} //nolint:unused // made with the first; in the guest
	headerRoom  []host.Header

	// waiting is the room for the answer of the hostcall that is running; nil
	// for memory of its own.
	waiting *room
)

const (
	// firstRequestBytes and firstHeaders are for most requests; the room grows with
	// larger ones, up to keptRequestBytes.
	firstRequestBytes = 4 << 10
	firstHeaders      = 32
	keptRequestBytes  = 64 << 10

	valueBytes  = 1 << 10
	sharedBytes = 4 << 10 // for a bucket of active tokens
)

// room is memory that is reused. The zero value has none yet.
type room struct {
	bytes []byte
	most  int // what is larger gets memory of its own
}

// place gives size bytes to put an answer in.
func place(size int) []byte {
	r := waiting
	if r == nil || size > r.most {
		return make([]byte, size)
	}
	if size > len(r.bytes) {
		r.bytes = make([]byte, min(max(2*size, firstRequestBytes), r.most))
	}
	return r.bytes[:size]
}

// readyForRequest makes the room for the headers of a request.
func readyForRequest() {
	if headerRoom == nil {
		headerRoom = make([]host.Header, 0, firstHeaders)
	}
	requestRoom.most = keptRequestBytes
	waiting = &requestRoom
}

// KeepRequest leaves the headers that were read last to whoever has them: their
// memory is not reused.
func KeepRequest() { requestRoom, headerRoom = room{}, nil }
