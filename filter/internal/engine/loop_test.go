package engine_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/engine"
)

const (
	// maxVerdicts is what the engine may give in one callback. A module with the tag unboundedverdicts fails these tests.
	maxVerdicts = 32
	stormSize   = 10*maxVerdicts + 7
	ownQueue    = 7
)

// loop is a proxy with a queue and an event loop, which holds the engine to its bounds at the end of each callback.
type loop struct {
	*proxy
	t         *testing.T
	engine    *engine.Engine
	queues    int      // that were asked for
	messages  [][]byte // that lie in the queue
	own       [][]byte // those of them that the engine has put there itself
	ready     int      // callbacks that are due for them
	refuses   bool     // to make a queue
	loses     bool     // what is put into it
	given     []uint32 // streams in the order of their verdicts
	callbacks []int    // verdicts of each callback that gave any
	retry     []string // what was said of retry-after
}

func newLoop(t *testing.T) *loop {
	t.Helper()
	l := &loop{proxy: newProxy(), t: t}
	l.engine = engine.New(l)
	if !l.engine.Configure([]byte(introspecting), func(string) (string, bool) { return "s3cret", true }) {
		t.Fatalf("configuration refused: %q", l.lines)
	}
	return l
}

func (l *loop) RegisterQueue(string) (uint32, bool) {
	l.queues++
	return ownQueue, !l.refuses
}

func (l *loop) Enqueue(_ uint32, m []byte) bool {
	if !l.loses {
		l.own = append(l.own, m)
		l.hears(m)
	}
	return true
}

// hears puts a message into the queue, as any plugin may.
func (l *loop) hears(m []byte) {
	l.messages = append(l.messages, m)
	l.ready++
}

func (l *loop) Dequeue(uint32) ([]byte, bool) {
	if len(l.messages) == 0 {
		return nil, false
	}
	m := l.messages[0]
	l.messages = l.messages[1:]
	if len(l.own) > 0 && len(m) > 0 && &l.own[0][0] == &m[0] {
		l.own = l.own[1:]
	}
	return m, true
}

func (l *loop) Reply(r *denial.Response, details string) bool {
	l.given = append(l.given, l.selected)
	for _, h := range r.Headers {
		if h.Name == "retry-after" {
			l.retry = append(l.retry, h.Value)
		}
	}
	return l.proxy.Reply(r, details)
}

func (l *loop) Resume() bool {
	l.given = append(l.given, l.selected)
	return l.proxy.Resume()
}

// callback runs one, as Envoy would.
func (l *loop) callback(f func()) {
	l.t.Helper()
	before := len(l.given)
	func() {
		defer func() { _ = recover() }() // as package abi does
		f()
	}()
	n := len(l.given) - before
	if n > maxVerdicts {
		l.t.Errorf("%d verdicts in one callback, want %d at most", n, maxVerdicts)
	}
	if n > 0 {
		l.callbacks = append(l.callbacks, n)
	}
	if len(l.own) > 1 {
		l.t.Errorf("%d messages to ourselves are under way", len(l.own))
	}
}

// settle runs the callbacks that messages have made due, and those that come of them.
func (l *loop) settle() {
	l.t.Helper()
	for l.ready > 0 {
		l.ready--
		l.callback(func() { l.engine.QueueReady(ownQueue) })
	}
}

func (l *loop) tick(after time.Duration) {
	l.t.Helper()
	l.now = l.now.Add(after)
	l.callback(l.engine.Tick)
}

// crowd opens streams 1 to n, all of which wait.
func (l *loop) crowd(n int) []*engine.Stream {
	l.t.Helper()
	streams := make([]*engine.Stream, n)
	for i := range streams {
		s, action := l.open(l.engine, uint32(i+1))
		if action != engine.Pause || len(l.given) != 0 {
			l.t.Fatalf("stream %d does not wait", i+1)
		}
		streams[i] = s
	}
	return streams
}

// wantServed checks that each of these streams has one verdict, in this order, and that nothing is left.
func (l *loop) wantServed(want []uint32) {
	l.t.Helper()
	if !slices.Equal(l.given, want) {
		l.t.Errorf("verdicts %v, want %v", l.given, want)
	}
	if l.engine.Parked() != 0 || l.engine.Waiting() != 0 || l.ready != 0 {
		l.t.Errorf("left behind: %d streams with %d bytes, %d callbacks", l.engine.Parked(), l.engine.Waiting(), l.ready)
	}
}

func upTo(n int) []uint32 {
	ids := make([]uint32, n)
	for i := range ids {
		ids[i] = uint32(i + 1)
	}
	return ids
}

// queue has the engine make its queue.
func (l *loop) queue() {
	l.t.Helper()
	if _, ok := l.engine.Queue(); !ok {
		l.t.Fatal("no queue")
	}
}
