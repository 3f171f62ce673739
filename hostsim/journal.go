package hostsim

import "sync"

// journalLimit bounds what a long-running process keeps of logs, traces and calls: the older half goes.
const journalLimit = 1 << 17

// journal keeps what was appended, for reading from any goroutine. Positions count from the first entry ever.
type journal[T any] struct {
	mu      sync.Mutex
	dropped int
	entries []T
}

// add appends an entry and gives its position.
func (j *journal[T]) add(e T) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.entries) >= journalLimit {
		half := len(j.entries) / 2
		j.entries = append([]T(nil), j.entries[half:]...)
		j.dropped += half
	}
	j.entries = append(j.entries, e)
	return j.dropped + len(j.entries) - 1
}

// change alters the entry at a position, if it is still there.
func (j *journal[T]) change(at int, f func(*T)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if i := at - j.dropped; i >= 0 && i < len(j.entries) {
		f(&j.entries[i])
	}
}

// end is the position of the next entry.
func (j *journal[T]) end() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.dropped + len(j.entries)
}

// from copies the entries that are still there from position at on.
func (j *journal[T]) from(at int) []T {
	j.mu.Lock()
	defer j.mu.Unlock()
	i := max(at-j.dropped, 0)
	if i >= len(j.entries) {
		return nil
	}
	return append([]T(nil), j.entries[i:]...)
}
