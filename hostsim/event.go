package hostsim

import (
	"context"
	"io"
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
	if s.host.process.fake != nil {
		return s.nextFake(ctx, played)
	}
	for {
		if e, ok := s.take(); ok {
			return e, nil
		}
		if s.isOver() {
			return Event{}, io.EOF
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return Event{}, ctx.Err()
		}
	}
}

// Poll gives the next event that is there already.
func (s *flow) Poll() (Event, bool) { return s.take() }

func (s *flow) take() (Event, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.events) == 0 {
		return Event{}, false
	}
	e := s.events[0]
	s.events = s.events[1:]
	return e, true
}

func (s *flow) isOver() (over bool) {
	s.thread.run(func() { over = s.over && !s.lingers })
	s.mu.Lock()
	defer s.mu.Unlock()
	return over && len(s.events) == 0
}

func (s *flow) emit(e Event) {
	s.mu.Lock()
	s.events = append(s.events, e)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
