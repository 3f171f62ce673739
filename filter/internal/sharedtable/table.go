package sharedtable

import (
	"errors"
	"strconv"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

// MaxAttempts bounds the compare-and-swaps of one Update. Each failed one means
// that another VM made progress, and a host has about as many VMs as cores.
const MaxAttempts = 32

// keyPrefix sets our keys apart from those of foreign plugins, and those of
// this layout of values from any later one.
const keyPrefix = "sallyport/1/"

// Layout fixes the shape of a table. Two tables over one store are the same
// table when their names are; they must then have the same shape. All numbers
// are at least 1.
type Layout struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	Name      string
	Buckets   uint32
	Entries   int // per bucket
	EntrySize int // bytes

	// Resizes makes tables that differ only in Entries the same table. A bucket
	// that was written with fewer is found with empty ones after them. One that
	// was written with more is found with all of them, and loses those after
	// the first Entries when it is written: the owner must make sure to keep
	// what matters.
	Resizes bool
}

// Table is a table in the host's shared data. It holds no state of its own but
// a guess at its only bucket, if it has just one. It is not safe for concurrent
// use: a VM is one thread.
type Table struct {
	store  host.Store
	layout Layout
	prefix string
	only   string // the key of a table of one bucket
	sum    uint32 // of only, or of the prefix
	guess  guess  // of the only bucket
}

// New names a table; nothing is read or written before the first Update.
//
//go:noinline
func New(store host.Store, layout Layout) *Table {
	prefix := keyPrefix + layout.Name + "/"
	t := &Table{store: store, layout: layout, prefix: prefix, only: prefix + "0"}
	t.sum = fnv(offset32, prefix)
	if layout.Buckets == 1 {
		t.sum = fnv(t.sum, "0")
	}
	return t
}

// Update reads the bucket that hash selects, lets change work on it, and writes
// it back if change says so. When another VM was faster it starts again from
// the read, so change may run several times, and only its last run counts; it
// runs with one Get, and costs one Set when it writes. A table of one bucket
// does without the Get while nobody else writes there. The error is
// ErrContended, or says that the host failed; nothing was written then.
func (t *Table) Update(hash uint32, change func(Bucket) (write bool)) error {
	key, keySum, alone := t.only, t.sum, t.layout.Buckets == 1
	if alone {
		if done, err := t.update(change); done || err != nil {
			return err
		}
	} else {
		var room [96]byte // for one string on the heap instead of two
		key = string(strconv.AppendUint(append(room[:0], t.prefix...), uint64(hash%t.layout.Buckets), 36))
		keySum = fnv(keySum, key[len(t.prefix):])
	}
	for range MaxAttempts {
		value, bucket, cas, err := t.read(key, keySum)
		if err != nil {
			return &hostError{doing: "read shared bucket", err: err}
		}
		if t.guess.found(cas); !change(bucket) {
			return nil
		}
		value = value[:headerSize+t.layout.Entries*t.layout.EntrySize]
		seal(keySum, value)
		if err = t.store.Set(key, value, cas); err == nil {
			if alone {
				t.guess.wrote(value, cas)
			}
			return nil
		}
		if !errors.Is(err, ErrCASMismatch) {
			return &hostError{doing: writing, err: err}
		}
	}
	return ErrContended
}

// writing is what a hostError was doing.
const writing = "write shared bucket"

// Unchanged reports whether a bucket is still as it was when it was marked: nothing
// that was read there has to be read again. It costs one Get, without a checksum.
func (t *Table) Unchanged(m Mark) bool {
	if m.cas == 0 {
		return false
	}
	_, cas, err := t.store.Get(m.key)
	return err == nil && cas == m.cas
}

// read gives the bucket, the value that it lies in, and the cas to write it with.
func (t *Table) read(key string, keySum uint32) (value []byte, b Bucket, cas uint32, err error) {
	size := t.layout.Entries * t.layout.EntrySize
	b.entrySize = t.layout.EntrySize
	value, cas, err = t.store.Get(key)
	switch {
	case err != nil && errors.Is(err, ErrNotFound):
		b.Condition, cas = Fresh, absentCAS
	case err != nil:
		return nil, Bucket{}, 0, err
	case cas == 0: // to write with it would overwrite what others wrote
		return nil, Bucket{}, 0, errNoCAS
	default:
		if t.layout.Resizes && len(value) > headerSize {
			size = (len(value) - headerSize) / b.entrySize * b.entrySize
		}
		if entries, ok := open(keySum, value, size); ok {
			if missing := t.layout.Entries*t.layout.EntrySize - size; missing > 0 {
				value = append(value, make([]byte, missing)...)
				entries = value[headerSize:]
			}
			b.Condition, b.entries, b.mark = Sound, entries, Mark{key: key, cas: cas}
			return value, b, cas, nil
		}
		b.Condition = Damaged
	}
	value = make([]byte, headerSize+t.layout.Entries*t.layout.EntrySize)
	b.entries = value[headerSize:]
	return value, b, cas, nil
}
