package hostsim

import (
	"context"
	"io"
	"sync"
)

// EventKind says what a stream asks its surroundings to do.
type EventKind int

// The kinds. Each direction has headers first, then data, then trailers; End is set on the last of them.
const (
	// ToUpstreamHeaders and on: forward to the backend. They can come even after the whole reply to the client, when a
	// guest both replied and continued: Envoy sends that request too.
	ToUpstreamHeaders EventKind = iota + 1
	ToUpstreamData
	ToUpstreamTrailers
	// UpstreamReset: give up the request that was forwarded.
	UpstreamReset
	// ToClientHeaders and on: send to the client.
	ToClientHeaders
	ToClientData
	ToClientTrailers
	// ClientReset: close the client's stream without a (further) response.
	ClientReset
	// UpstreamConnect: connect to the backend. Only a Connection asks for it.
	UpstreamConnect
	// StreamEnd: the stream is over, log, done and delete have run. Reason has the response code details.
	StreamEnd
)

var eventNames = map[EventKind]string{
	ToUpstreamHeaders: "to upstream: headers", ToUpstreamData: "to upstream: data", ToUpstreamTrailers: "to upstream: trailers",
	UpstreamReset: "upstream reset", UpstreamConnect: "connect upstream", ToClientHeaders: "to client: headers", ToClientData: "to client: data",
	ToClientTrailers: "to client: trailers", ClientReset: "client reset", StreamEnd: "end",
}

func (k EventKind) String() string { return eventNames[k] }

// Event is one thing that a stream asks for.
type Event struct {
	Kind    EventKind
	Headers Headers // headers or trailers, pseudo headers included
	Data    []byte
	End     bool // nothing follows in this direction
	Reason  string
}

// Next gives the next event. On a fake clock it moves the clock as far as it takes; on the real one it waits.
// After the last event it gives io.EOF. It gives an error when nothing can ever happen any more.
func (s *flow) Next(ctx context.Context) (Event, error) { return s.next(ctx, false) }

// next is Next; played is set by an exchange that has begun its turn.
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
