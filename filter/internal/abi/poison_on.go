//go:build poison

package abi

import "github.com/sallyport-gateway/sallyport/filter/internal/host"

// poison overwrites the rooms when a callback has ended, and poisonValue and
// poisonShared the ones for values before the next value comes, so that tests
// notice any use of what was there.
func poison() {
	fill(requestRoom.bytes)
	poisonValue()
	poisonShared()
	all := headerRoom[:cap(headerRoom)]
	for i := range all {
		all[i] = host.Header{Name: "poisoned", Value: "poisoned"}
	}
}

func poisonValue() { fill(valueRoom.bytes) }

func poisonShared() { fill(sharedRoom.bytes) }

func fill(b []byte) {
	for i := range b {
		b[i] = 0xa5
	}
}
