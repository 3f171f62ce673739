package hostsim

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// turns decides when a fake clock may be moved by those who wait for their streams: only when each exchange that some
// goroutine plays is waiting too, and none has an event to take. Otherwise one exchange's wait would move the clock past
// what another is about to schedule.
type turns struct {
	mu      sync.Mutex
	busy    int // exchanges under way that do not wait
	waiting map[*flow]bool
	changed chan struct{} // closed when somebody begins to wait or is done
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

// wait notes that s waits; played tells an exchange from a stream that somebody feeds by hand.
func (t *turns) wait(s *flow, played bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting == nil {
		t.waiting = map[*flow]bool{}
	}
	t.waiting[s] = true
	if played {
		t.busy--
	}
	t.announce()
}

func (t *turns) resume(s *flow, played bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.waiting, s)
	if played {
		t.busy++
	}
}

// free is true when the clock may move; else changed tells when to ask again.
func (t *turns) free() (free bool, changed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	free = t.busy == 0
	for s := range t.waiting {
		free = free && !s.ready()
	}
	if t.changed == nil {
		t.changed = make(chan struct{})
	}
	return free, t.changed
}

func (s *flow) ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.events) > 0
}

// maxVirtualWait bounds how far Next moves a fake clock for one event that may never come.
const maxVirtualWait = 24 * time.Hour

var errHangs = errors.New("stream hangs: nothing is due that could move it")

// nextFake is Next on a fake clock. played: turns counts the caller as busy.
func (s *flow) nextFake(ctx context.Context, played bool) (Event, error) {
	fake := s.host.process.fake
	if e, ok := s.take(); ok {
		return e, nil
	}
	if s.isOver() {
		return Event{}, io.EOF
	}
	fake.turns.wait(s, played)
	err := s.awaitEvent(ctx)
	fake.turns.resume(s, played) // before the event is taken: until then nobody else may move the clock
	if err != nil {
		return Event{}, err
	}
	e, _ := s.take() // nobody else takes
	return e, nil
}

func (s *flow) awaitEvent(ctx context.Context) error {
	fake := s.host.process.fake
	for !s.ready() {
		if err := ctx.Err(); err != nil {
			return err
		}
		moved, changed := fake.stepFree(fake.Now().Add(maxVirtualWait))
		switch {
		case moved || s.ready():
		case changed == nil:
			return errHangs
		default:
			select {
			case <-changed:
			case <-s.wake:
			case <-ctx.Done():
			}
		}
	}
	return nil
}
