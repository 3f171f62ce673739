package sharedtable

import "errors"

// maxGuessed bounds the value of a bucket that is guessed: it is copied each time.
const maxGuessed = 128

// guess is what the only bucket of a table holds as long as nobody else has
// written it, and the cas that it has then. A Set with that cas is as good as a
// Get before it, which costs a host twice as much as the Set: it succeeds only
// if the bucket is as this VM left it.
//
// Hosts do not say which cas a Set has made. Envoy draws them from one counter
// for all keys (proxy-wasm-cpp-host, src/shared_data.cc), others count each
// key's writes: with either, a key that is found with the number after the one
// that this VM replaced was written by this VM last. Wherever somebody else
// wrote anything in between, or a host draws other numbers, the guess is
// refused like any stale cas, and the bucket is read.
//
// The zero value guesses nothing.
type guess struct {
	value []byte // to be written with cas
	cas   uint32 // 0 for none
	right bool   // the last one that could be checked was
}

// update is Table.Update on the guess. Without done it has done nothing, and
// the bucket must be read: also when change finds nothing to write, because
// what is decided on a guess alone may be wrong.
func (t *Table) update(change func(Bucket) (write bool)) (done bool, err error) {
	g := &t.guess
	if g.cas == 0 || !g.right {
		return false, nil
	}
	cas := g.cas
	g.cas = 0 // whatever happens below, a panic in change included
	if !change(Bucket{Condition: Sound, entries: g.value[headerSize:], entrySize: t.layout.EntrySize}) {
		return false, nil
	}
	seal(t.sum, g.value)
	switch err = t.store.Set(t.only, g.value, cas); {
	case err == nil:
		g.cas = following(cas)
		return true, nil
	case errors.Is(err, ErrCASMismatch):
		g.right = false
		return false, nil
	}
	return false, &hostError{doing: writing, err: err}
}

// found tells the guess which cas the bucket was read with.
func (g *guess) found(cas uint32) { g.right = g.cas != 0 && g.cas == cas }

// wrote keeps what was written in place of the bucket with this cas.
func (g *guess) wrote(value []byte, cas uint32) {
	if g.cas = 0; len(value) <= maxGuessed {
		g.value, g.cas = append(g.value[:0], value...), following(cas)
	}
}

// following is the cas after one that was read; 0 when that is not known.
func following(cas uint32) uint32 {
	if cas == absentCAS || cas+1 == absentCAS {
		return 0
	}
	return cas + 1
}
