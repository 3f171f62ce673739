package engine_test

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/engine"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

// TestVerdictStormPanics: one stream's panic costs one stream.
func TestVerdictStormPanics(t *testing.T) {
	l := newLoop(t)
	l.crowd(stormSize)
	l.broken = func(call string) {
		if call == "set" && l.selected%3 == 0 {
			panic("a secret")
		}
	}
	l.callback(func() { l.land(active()) })
	l.settle()
	l.wantServed(upTo(stormSize))
	for id := uint32(1); id <= stormSize; id++ {
		if id%3 == 0 && (l.resumed[id] != 0 || !slices.Equal(l.replies[id], []int{500})) {
			t.Errorf("stream %d, which panics: resumed %d times, replies %v", id, l.resumed[id], l.replies[id])
		}
		if id%3 != 0 && (l.resumed[id] != 1 || len(l.replies[id]) != 0) {
			t.Errorf("stream %d: resumed %d times, replies %v", id, l.resumed[id], l.replies[id])
		}
	}
	if l.counted()["sallyport_panics"] != stormSize/3 {
		t.Errorf("%d panics counted, want %d", l.counted()["sallyport_panics"], stormSize/3)
	}
}

// TestVerdictStormThatPanicsTwice: a panic that cannot be kept with its stream delays the others until the next tick.
func TestVerdictStormThatPanicsTwice(t *testing.T) {
	l := newLoop(t)
	l.crowd(stormSize)
	panics := 2
	l.broken = func(call string) {
		if l.selected == 2 && (call == "set" || call == "log") && panics > 0 {
			panics--
			panic("a secret")
		}
	}
	l.callback(func() { l.land(active()) })
	l.tick(engine.TickPeriod)
	l.settle()
	if slices.Contains(l.given, 2) {
		t.Error("stream 2 was served by what panicked")
	}
	if len(l.given) != stormSize-1 {
		t.Errorf("%d streams were served, want all others, %d", len(l.given), stormSize-1)
	}
}

// TestVerdictStormClosed: a stream that is gone when its turn comes is not touched, and takes nobody's place.
func TestVerdictStormClosed(t *testing.T) {
	for name, end := range map[string]func(l *loop, s *engine.Stream, id uint32){
		"closed":            func(_ *loop, s *engine.Stream, _ uint32) { s.Close() },
		"gone for the host": func(l *loop, _ *engine.Stream, id uint32) { l.gone[id] = true },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLoop(t)
			streams := l.crowd(stormSize)
			l.callback(func() { l.land(active()) })
			want := upTo(stormSize)[:maxVerdicts:maxVerdicts]
			for id := uint32(maxVerdicts + 1); id <= stormSize; id++ {
				if id%4 == 0 {
					want = append(want, id)
				} else {
					end(l, streams[id-1], id)
				}
			}
			l.settle()
			l.wantServed(want)
			if calls := (len(want) + maxVerdicts - 1) / maxVerdicts; len(l.callbacks) != calls {
				t.Errorf("verdicts by callback %v: want %d callbacks", l.callbacks, calls)
			}
		})
	}
}

// TestVerdictStormWithoutMessages: without a queue, or when what is put into it is lost, the ticks do it.
func TestVerdictStormWithoutMessages(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil  func(*loop)
		queues int
	}{
		"the host has no queues": {func(l *loop) { l.refuses = true }, 1},
		"messages are lost":      {func(l *loop) { l.loses = true }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLoop(t)
			tt.spoil(l)
			before := l.queues // the configuration may have asked for it
			l.crowd(stormSize)
			l.callback(func() { l.land(inactive()) })
			for range stormSize / maxVerdicts {
				l.tick(engine.TickPeriod)
			}
			l.wantServed(upTo(stormSize))
			if l.queues-before != tt.queues {
				t.Errorf("asked %d times for a queue, want %d", l.queues-before, tt.queues)
			}
		})
	}
	t.Run("one message is lost", func(t *testing.T) {
		l := newLoop(t)
		l.crowd(stormSize)
		l.loses = true
		l.callback(func() { l.land(inactive()) })
		l.loses = false
		l.tick(engine.TickPeriod / 2) // it may be under way still
		if l.ready != 0 {
			t.Error("a second message to ourselves was sent beside the first one")
		}
		l.tick(engine.TickPeriod)
		if l.ready != 1 {
			t.Errorf("%d messages to ourselves are under way, want 1", l.ready)
		}
		l.settle()
		l.wantServed(upTo(stormSize))
	})
	t.Run("the clock goes back meanwhile", func(t *testing.T) {
		l := newLoop(t)
		l.crowd(stormSize)
		l.loses = true
		l.callback(func() { l.land(inactive()) })
		l.loses = false
		l.tick(-time.Hour)
		l.settle()
		l.wantServed(upTo(stormSize))
	})
}

// TestVerdictStormAmongForeignMessages: any plugin may write into the queue, also what looks like our own message.
func TestVerdictStormAmongForeignMessages(t *testing.T) {
	l := newLoop(t)
	l.crowd(stormSize)
	l.callback(func() { l.land(inactive()) })
	own := slices.Clone(l.messages[0])
	flipped := binary.LittleEndian.AppendUint64(nil, ^binary.LittleEndian.Uint64(own))
	for range 50 {
		for _, m := range [][]byte{nil, {0}, make([]byte, 8), flipped, make([]byte, 32), make([]byte, 1<<10), own[:7], append(slices.Clone(own), 0)} {
			l.hears(m)
		}
	}
	l.hears(own) // played back
	l.hears(slices.Clone(own))
	l.settle()
	l.wantServed(upTo(stormSize))
	l.callback(func() { l.engine.QueueReady(ownQueue + 1) })
	if len(l.given) != stormSize {
		t.Error("a queue of others gave verdicts")
	}
}

// TestVerdictStormAtTheDeadline: a stream that is due when its deadline passes gets the verdict that came, and one.
func TestVerdictStormAtTheDeadline(t *testing.T) {
	t.Run("answered, then late", func(t *testing.T) {
		l := newLoop(t)
		l.loses = true
		l.crowd(stormSize)
		l.callback(func() { l.land(active()) })
		l.loses = false
		l.tick(time.Hour)
		l.settle()
		l.wantServed(upTo(stormSize))
		if l.resumed[stormSize] != 1 {
			t.Errorf("the last one: resumed %d times, replies %v; want resumed", l.resumed[stormSize], l.replies[stormSize])
		}
	})
	t.Run("late, then answered", func(t *testing.T) {
		l := newLoop(t)
		l.loses = true
		step := &stuck{}
		l.engine.Run(step)
		l.crowd(stormSize)
		l.tick(time.Hour)
		step.flight.Land()
		l.loses = false
		l.tick(engine.TickPeriod)
		l.settle()
		l.wantServed(upTo(stormSize))
		if !slices.Equal(l.replies[1], []int{503}) || l.resumed[stormSize] != 1 {
			t.Errorf("the first one got %v, the last one was resumed %d times; want 503 and once", l.replies[1], l.resumed[stormSize])
		}
	})
	t.Run("the clock goes back", func(t *testing.T) {
		l := newLoop(t)
		l.engine.Run(&stuck{})
		l.crowd(1)
		l.tick(-time.Hour)
		l.tick(2500 * time.Millisecond)
		l.wantServed(upTo(1))
	})
}

// TestVerdictStormLeavesNothing: an engine that never had too many has no queue in the host.
func TestVerdictStormLeavesNothing(t *testing.T) {
	l := newLoop(t)
	l.crowd(maxVerdicts)
	l.callback(func() { l.land(inactive()) })
	l.wantServed(upTo(maxVerdicts))
	if l.queues != 0 {
		t.Errorf("%d queues", l.queues)
	}
}

// TestVerdictStormInBytes: what waits is bounded in bytes, too.
func TestVerdictStormInBytes(t *testing.T) {
	l := newLoop(t)
	big := host.Header{Name: "cookie", Value: string(make([]byte, 60<<10))}
	l.headers = append(l.headers, big)
	var streams []*engine.Stream
	for id := uint32(1); len(l.given) == 0 && id < 1000; id++ {
		s, _ := l.open(l.engine, id)
		streams = append(streams, s)
	}
	n := len(streams)
	if most := engine.MaxParkedBytes / (60 << 10); n > most+1 || n < most/2 {
		t.Errorf("%d streams with 60 KiB each were let wait", n-1)
	}
	t.Logf("%d streams of 60 KiB wait, counted with %d bytes", n-1, l.engine.Waiting())
	if want := []int{503}; !slices.Equal(l.replies[uint32(n)], want) {
		t.Errorf("the one beyond the bound got %v, want %v", l.replies[uint32(n)], want)
	}
	if l.counted()["sallyport_decisions.sp_decision=deny|sp_reason=introspection.overloaded|"] != 1 {
		t.Errorf("counted %v", l.counted())
	}
	if !slices.Equal(l.retry, []string{"5"}) {
		t.Errorf("retry-after %q, want 5", l.retry)
	}
	streams[0].Close()
	if _, action := l.open(l.engine, 2000); action != engine.Pause || len(l.replies[2000]) != 0 {
		t.Error("there is no room for one although another one has left")
	}
	l.callback(func() { l.land(active()) })
	l.settle()
	if l.engine.Waiting() != 0 || len(l.given) != n {
		t.Errorf("%d bytes left, %d verdicts; want 0 and %d", l.engine.Waiting(), len(l.given), n)
	}
}
