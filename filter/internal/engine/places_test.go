package engine_test

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/engine"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// taker is a step that takes a place for each request, and counts those that come
// back.
type taker struct{ taken, left int }

func (*taker) Name() string { return "taker" }
func (s *taker) Apply(x *pipeline.Exchange) pipeline.Outcome {
	s.taken++
	x.Hold(s)
	return pipeline.Continue()
}
func (s *taker) Leave() { s.left++ }

// then is a step that answers what it is told to.
type then func(*pipeline.Exchange) pipeline.Outcome

func (then) Name() string                                  { return "then" }
func (f then) Apply(x *pipeline.Exchange) pipeline.Outcome { return f(x) }

// TestConcurrentPlacesComeBackOnce: when the stream of an admitted request ends, or
// as soon as the request is refused, however either comes about.
func TestConcurrentPlacesComeBackOnce(t *testing.T) {
	goOn := then(func(*pipeline.Exchange) pipeline.Outcome { return pipeline.Continue() })
	deny := then(func(*pipeline.Exchange) pipeline.Outcome { return pipeline.DenyFor(denial.TokenInactive) })
	fall := then(func(*pipeline.Exchange) pipeline.Outcome { panic("injected") })
	for _, tt := range []struct {
		name   string
		after  func(f *pipeline.Flight) then
		happen func(p *proxy, s *engine.Stream, f *pipeline.Flight)
		early  bool // the place is back before the stream is closed
	}{
		{"admitted", func(*pipeline.Flight) then { return goOn }, nil, false},
		{"refused by a later step", func(*pipeline.Flight) then { return deny }, nil, true},
		{"a panic in a later step", func(*pipeline.Flight) then { return fall }, nil, true},
		{"gone while it waits", parking(goOn), nil, false},
		{"admitted after a wait", parking(goOn), land, false},
		{"refused after a wait", parking(deny), land, true},
		{"a panic after a wait", parking(fall), land, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, step, flight := newProxy(), &taker{}, &pipeline.Flight{}
			e := configured(t, p)
			e.Run(step, tt.after(flight))
			var s *engine.Stream
			func() {
				defer func() {
					if recover() != nil {
						s.Fail()
					}
				}()
				s = e.Open(7)
				s.OnRequestHeaders()
			}()
			if tt.happen != nil {
				tt.happen(p, s, flight)
				e.QueueReady(0)
				e.Tick()
			}
			if step.taken != 1 || (step.left == 1) != tt.early || step.left > 1 {
				t.Errorf("%d taken, %d back before the end; want it back %v", step.taken, step.left, tt.early)
			}
			s.OnLog()
			s.Close()
			if step.left != 1 {
				t.Errorf("%d came back, want 1", step.left)
			}
			e.Open(8).Close() // the stream's memory serves another
			if step.left != 1 {
				t.Errorf("%d came back after the end of another", step.left)
			}
		})
	}
}

func land(_ *proxy, _ *engine.Stream, f *pipeline.Flight) { f.Land() }

// parking is a step that waits for the flight, and then answers as the other.
func parking(after then) func(*pipeline.Flight) then {
	return func(f *pipeline.Flight) then {
		return func(*pipeline.Exchange) pipeline.Outcome { return pipeline.Await(f, after) }
	}
}
