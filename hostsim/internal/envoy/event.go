package envoy

import (
	"context"
	"io"
	"sync"

	"github.com/sallyport-gateway/sallyport/hostsim/event"
)

// Next returns the next event, and after the last io.EOF; played is set by an exchange that has begun its turn. On a
// fake clock it moves the clock as far as it takes; on the real one it waits.
func (s *Flow) Next(ctx context.Context, played bool) (event.Event, error) {
	fake := s.Host.Process.Loop.Fake
	for {
		if e, ok := s.Queue.take(); ok {
			return e, nil
		}
		if s.IsOver() {
			return event.Event{}, io.EOF
		}
		if fake != nil {
			if err := fake.Await(ctx, &s.Queue, played); err != nil {
				return event.Event{}, err
			}
			continue
		}
		wake := s.Queue.Wake()
		if s.Queue.Ready() || s.IsOver() { // before anyone could be woken
			continue
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return event.Event{}, ctx.Err()
		}
	}
}

// Poll returns the next event if it is there already.
func (s *Flow) Poll() (event.Event, bool) { return s.Queue.take() }

func (s *Flow) IsOver() (over bool) {
	s.Thread.Run(func() { over = s.Over && !s.Lingers })
	return over && !s.Queue.Ready()
}

func (s *Flow) Emit(e event.Event) { s.Queue.emit(e) }

// eventQueue holds what a stream has for the network, for one taker.
type eventQueue struct {
	mu     sync.Mutex
	Events []event.Event
	wake   chan struct{} // capacity 1; nil until there is a waiter
}

// Ready reports whether there is an event to take.
func (q *eventQueue) Ready() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.Events) > 0
}

// Wake returns a channel that gives a value when an event may have come after this call.
func (q *eventQueue) Wake() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.wake == nil {
		q.wake = make(chan struct{}, 1)
	}
	return q.wake
}

func (q *eventQueue) take() (event.Event, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.Events) == 0 {
		return event.Event{}, false
	}
	e := q.Events[0]
	q.Events = q.Events[1:]
	return e, true
}

func (q *eventQueue) emit(e event.Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.Events = append(q.Events, e)
	select {
	case q.wake <- struct{}{}:
	default: // nil, or woken already
	}
}
