package hostsim

import (
	"context"
	"io"
	"sync"
)

// next gives the next event, after the last io.EOF; played is set by an exchange that has begun its turn. On a fake
// clock it moves the clock as far as it takes; on the real one it waits.
func (s *flow) next(ctx context.Context, played bool) (Event, error) {
	fake := s.host.process.loop.Fake
	for {
		if e, ok := s.queue.take(); ok {
			return e, nil
		}
		if s.isOver() {
			return Event{}, io.EOF
		}
		if fake != nil {
			if err := fake.Await(ctx, &s.queue, played); err != nil {
				return Event{}, err
			}
			continue
		}
		select {
		case <-s.queue.wake:
		case <-ctx.Done():
			return Event{}, ctx.Err()
		}
	}
}

// Poll gives the next event that is there already.
func (s *flow) Poll() (Event, bool) { return s.queue.take() }

func (s *flow) isOver() (over bool) {
	s.thread.Run(func() { over = s.over && !s.lingers })
	return over && !s.queue.Ready()
}

func (s *flow) emit(e Event) { s.queue.emit(e) }

// eventQueue holds what a stream has for the network, for one taker.
type eventQueue struct {
	mu     sync.Mutex
	events []Event
	wake   chan struct{} // capacity 1
}

// Ready: there is an event to take.
func (q *eventQueue) Ready() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.events) > 0
}

// Wake gives something when there may be one.
func (q *eventQueue) Wake() <-chan struct{} { return q.wake }

func (q *eventQueue) take() (Event, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) == 0 {
		return Event{}, false
	}
	e := q.events[0]
	q.events = q.events[1:]
	return e, true
}

func (q *eventQueue) emit(e Event) {
	q.mu.Lock()
	q.events = append(q.events, e)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}
