// Package sharedtable keeps small fixed-size tables in the data that a
// proxy-wasm host shares between its VMs.
//
// Hosts give little to build on: a key is never deleted, nothing is ever
// evicted, and compare-and-swap is ignored on a key that does not exist. So a
// table has a fixed number of buckets of a fixed size, each of them one key of
// the host, made when it is first written; memory is bounded by the layout,
// whatever is hashed into it. Every change is a compare-and-swap of one bucket.
//
// Creation has no race: a bucket that was not there is written with a cas that
// no read gave out. The host takes it if the key is still absent, and reports a
// mismatch if another VM was faster.
//
// Shared data outlives configurations and code, and may be shared with foreign
// plugins, so keys carry a prefix and a layout version, and values a magic and
// a checksum that covers the key. A value that fails them is reported as
// Damaged, and its owner decides what to put in its place.
package sharedtable

import "errors"

// The errors of a Store besides failures of the host.
var (
	ErrNotFound    = errors.New("shared data key not found")
	ErrCASMismatch = errors.New("shared data changed since it was read")
)

// ErrContended means that other VMs were faster MaxAttempts times in a row.
var ErrContended = errors.New("shared data is contended")

var errNoCAS = errors.New("host gave no cas for an existing key")

// hostError is a failure of the host with what was being done. It stands in for
// fmt.Errorf, which costs a Wasm module more than this package.
type hostError struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	doing string
	err   error
}

func (e *hostError) Error() string { return e.doing + ": " + e.err.Error() }
func (e *hostError) Unwrap() error { return e.err }

// absentCAS is set with a key that Get did not find. It is the last number of
// the host's counter, which starts at 1: to be mistaken for a read, another VM
// would have to create this very key with this very number, out of 2^32,
// between our Get and our Set.
const absentCAS = 1<<32 - 1
