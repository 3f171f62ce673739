package wasmhost

import "sync"

const (
	// journalBlock is how many entries are allocated at a time.
	journalBlock = 128
	// journalBlocks bounds what a long-running process keeps of logs, traces and calls: the oldest block goes.
	journalBlocks = 1024
)

// Journal keeps what was appended, for reading from any goroutine. Positions count from the first entry ever.
type Journal[T any] struct {
	mu      sync.Mutex
	dropped int   // entries, in whole blocks
	blocks  [][]T // all full but the last
}

// Add appends an entry and returns its position.
func (j *Journal[T]) Add(e T) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	last := len(j.blocks) - 1
	if last < 0 || len(j.blocks[last]) == journalBlock {
		if len(j.blocks) == journalBlocks {
			j.blocks = append(j.blocks[:0], j.blocks[1:]...)
			j.dropped += journalBlock
		}
		j.blocks = append(j.blocks, make([]T, 0, journalBlock))
		last = len(j.blocks) - 1
	}
	j.blocks[last] = append(j.blocks[last], e)
	return j.endLocked() - 1
}

// change alters the entry at a position, if it is still there.
func (j *Journal[T]) change(at int, f func(*T)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if at >= j.dropped && at < j.endLocked() {
		i := at - j.dropped
		f(&j.blocks[i/journalBlock][i%journalBlock])
	}
}

// End is the position of the next entry.
func (j *Journal[T]) End() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.endLocked()
}

func (j *Journal[T]) endLocked() int {
	last := len(j.blocks) - 1
	if last < 0 {
		return j.dropped
	}
	return j.dropped + last*journalBlock + len(j.blocks[last])
}

// From copies the entries that are still there from position at on.
func (j *Journal[T]) From(at int) []T {
	j.mu.Lock()
	defer j.mu.Unlock()
	at = max(at, j.dropped)
	n := j.endLocked() - at
	if n <= 0 {
		return nil
	}
	out := make([]T, 0, n)
	first := at - j.dropped
	for i := first / journalBlock; i < len(j.blocks); i++ {
		block := j.blocks[i]
		if i == first/journalBlock {
			block = block[first%journalBlock:]
		}
		out = append(out, block...)
	}
	return out
}
