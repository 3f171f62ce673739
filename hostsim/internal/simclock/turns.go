package simclock

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Waiter waits for an event of a stream.
type Waiter interface {
	// Ready reports whether there is one. The channel of Wake gives a value when one may have come after the call.
	Ready() bool
	Wake() <-chan struct{}
}

// turns decides when a fake clock may be moved by those who wait for their streams: only when each exchange that some
// goroutine plays is waiting too, and none has an event to take. Otherwise one exchange's wait would move the clock past
// what another is about to schedule.
type turns struct {
	mu      sync.Mutex
	busy    int // exchanges under way that do not wait
	waiting map[Waiter]bool
	changed chan struct{} // closed when a waiter begins to wait or is done
}

// BeginTurn begins a turn on a fake clock, and EndTurn ends it.
func (l *Loop) BeginTurn() {
	if l.Fake != nil {
		l.Fake.turns.begin()
	}
}

// EndTurn: see BeginTurn.
func (l *Loop) EndTurn() {
	if l.Fake != nil {
		l.Fake.turns.end()
	}
}

func (t *turns) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy++
}

func (t *turns) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy--
	t.announce()
}

func (t *turns) announce() {
	if t.changed != nil {
		close(t.changed)
		t.changed = nil
	}
}

// wait notes that w waits; played distinguishes an exchange from a stream that is fed by hand.
func (t *turns) wait(w Waiter, played bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting == nil {
		t.waiting = map[Waiter]bool{}
	}
	t.waiting[w] = true
	if played {
		t.busy--
	}
	t.announce()
}

func (t *turns) resume(w Waiter, played bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.waiting, w)
	if played {
		t.busy++
	}
}

// free is true when the clock may move; otherwise changed closes when it is time to ask again.
func (t *turns) free() (free bool, changed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	free = t.busy == 0
	for w := range t.waiting {
		free = free && !w.Ready()
	}
	if free {
		return true, nil
	}
	if t.changed == nil {
		t.changed = make(chan struct{})
	}
	return false, t.changed
}

// maxVirtualWait bounds how far Await moves a fake clock for one event that may never come.
const maxVirtualWait = 24 * time.Hour

var errHangs = errors.New("stream hangs: nothing is scheduled that could move it")

// Await moves the clock until w has an event. played: the caller has begun a turn. Until it returns nothing else moves
// the clock past that event.
func (c *FakeClock) Await(ctx context.Context, w Waiter, played bool) error {
	c.turns.wait(w, played)
	defer c.turns.resume(w, played)
	for !w.Ready() {
		if err := ctx.Err(); err != nil {
			return err
		}
		moved, changed := c.stepFree(c.Now().Add(maxVirtualWait))
		switch {
		case moved || w.Ready():
		case changed == nil:
			return errHangs
		default:
			wake := w.Wake()
			if w.Ready() { // before anyone could be woken
				continue
			}
			select {
			case <-changed:
			case <-wake:
			case <-ctx.Done():
			}
		}
	}
	return nil
}
