// Package simclock has the threads of a simulated process and the clock that they share: one that a test moves by hand,
// or the machine's own. What is due runs on its thread, one thing at a time.
package simclock

import (
	"context"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Loop holds the threads of one process, the main thread and the workers, and the clock that they share.
type Loop struct {
	Clock   Clock
	Fake    *FakeClock // Clock, when it is one
	Threads []*Thread  // [0] is the main thread
	// Background ends when the loop closes.
	Background context.Context
	stop       context.CancelFunc

	mu      sync.Mutex
	shuffle *mathrand.Rand // by a seed, else nil
	closed  atomic.Bool
	spawned sync.WaitGroup
}

// NewLoop makes a loop with this many threads. On a fake clock a seed decides what Envoy leaves open: which thread is
// first when several have work at one instant; nil means first come, first served.
func NewLoop(clock Clock, threads int, seed *uint64) *Loop {
	l := &Loop{Clock: clock}
	l.Fake, _ = clock.(*FakeClock)
	l.Background, l.stop = context.WithCancel(context.Background())
	if l.Fake != nil && seed != nil {
		l.shuffle = mathrand.New(mathrand.NewPCG(*seed, shuffleStream)) //nolint:gosec // an order, not a secret
		l.Fake.shuffleBy(*seed)
	}
	for i := range threads {
		l.Threads = append(l.Threads, &Thread{Loop: l, Index: i})
	}
	return l
}

// shuffleStream keeps the orders that a seed decides apart from other random numbers of that seed.
const shuffleStream = 0x5a11

// Order returns the threads in the order in which they are served.
func (l *Loop) Order() []*Thread {
	threads := slices.Clone(l.Threads)
	if l.shuffle != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.shuffle.Shuffle(len(threads), func(i, j int) { threads[i], threads[j] = threads[j], threads[i] })
	}
	return threads
}

// Advance moves a fake clock and runs what falls due on the way, in order of time. On the real clock it sleeps, while
// that runs by itself.
func (l *Loop) Advance(d time.Duration) {
	if l.Fake == nil {
		time.Sleep(d)
		return
	}
	l.Fake.Advance(d)
	l.Settle()
}

// Settle runs what has been posted to threads until nothing is left. The caller holds no thread.
func (l *Loop) Settle() {
	if l.Fake == nil {
		return // goroutines do it
	}
	for again := true; again; {
		again = false
		threads := l.Threads
		if l.shuffle != nil && l.posted() {
			threads = l.Order()
		}
		for _, t := range threads {
			if f, ok := t.take(); ok {
				again = true
				t.Run(f)
			}
		}
	}
}

// posted: some thread has work. Without any there is no order to decide.
func (l *Loop) posted() bool {
	return slices.ContainsFunc(l.Threads, func(t *Thread) bool { return t.posted.Load() > 0 })
}

// Spawn runs f on a goroutine that Close waits for; a closed loop does nothing.
func (l *Loop) Spawn(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.Closed() {
		l.spawned.Go(f)
	}
}

// Closed reports whether the loop is closed: no timer runs any more.
func (l *Loop) Closed() bool { return l.closed.Load() }

// Close ends all timers, and waits for what was spawned.
func (l *Loop) Close() {
	l.mu.Lock()
	l.closed.Store(true)
	l.mu.Unlock()
	l.stop()
	l.spawned.Wait()
}

// Thread is one of Envoy's: the main thread or a worker. Everything that runs on it runs under mu, one thing at a time,
// so two calls into one of its VMs never overlap.
type Thread struct {
	Loop  *Loop
	Index int // 0 is the main thread

	mu sync.Mutex

	posted  atomic.Int64 // how many are in the inbox
	inboxMu sync.Mutex
	inbox   []func()
}

// Run runs f on the thread, and then what has been posted to it meanwhile.
func (t *Thread) Run(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f != nil {
		f()
	}
	t.drain()
}

// drain runs what has been posted.
func (t *Thread) drain() {
	for {
		g, ok := t.take()
		if !ok {
			return
		}
		g()
	}
}

func (t *Thread) take() (func(), bool) {
	if t.posted.Load() == 0 {
		return nil, false
	}
	t.inboxMu.Lock()
	defer t.inboxMu.Unlock()
	if len(t.inbox) == 0 {
		return nil, false
	}
	f := t.inbox[0]
	t.inbox = t.inbox[1:]
	t.posted.Add(-1)
	return f, true
}

// Post queues f for the thread: whoever is running the thread now runs it, else the next Settle, or on a real clock a
// goroutine.
func (t *Thread) Post(f func()) {
	t.inboxMu.Lock()
	t.inbox = append(t.inbox, f)
	t.posted.Add(1)
	t.inboxMu.Unlock()
	if t.Loop.Fake == nil {
		t.Loop.Spawn(func() { t.Run(nil) })
	}
}

// Timer is a function that is due on a thread.
type Timer struct {
	thread  *Thread
	f       func()
	stopped bool        // under the thread's mu, as all timers are stopped on their own thread
	real    *time.Timer // on the real clock
	// On a fake one: the time, the order within one instant, and the place in the heap, -1 when it has left.
	at    time.Time
	seq   uint64
	index int
}

// After runs f on the thread, d from now.
func (t *Thread) After(d time.Duration, f func()) *Timer {
	timer := &Timer{thread: t, f: f}
	t.Loop.Clock.start(timer, d)
	return timer
}

// Stop keeps the function from running. It may be called on nil.
func (t *Timer) Stop() {
	if t != nil {
		t.stopped = true
		t.thread.Loop.Clock.stop(t)
	}
}

// come runs the timer: its time has come.
func (t *Timer) come() {
	t.thread.runDue(t)
	t.thread.Loop.Settle()
}

func (t *Thread) runDue(timer *Timer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !timer.stopped && !t.Loop.Closed() {
		timer.f()
	}
	t.drain()
}
