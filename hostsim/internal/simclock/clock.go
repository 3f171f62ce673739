package simclock

import (
	"container/heap"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Clock is the time of a Process and of every guest in it: either a *FakeClock or RealClock. The guest's wall clock,
// monotonic clock, ticks, callout timeouts and reload backoffs all come from it.
type Clock interface {
	Now() time.Time
	// start makes the timer fire d from now, unless it is stopped first. What is due for one thread at one instant runs in
	// the order in which it was started.
	start(t *Timer, d time.Duration)
	stop(t *Timer)
}

// RealClock is the machine's own clock. A Process on it runs ticks and timeouts by itself.
func RealClock() Clock { return realClock{} }

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) start(t *Timer, d time.Duration) { t.real = time.AfterFunc(d, t.come) }
func (realClock) stop(t *Timer)                   { t.real.Stop() }

// DefaultStart is where a FakeClock starts when it is made by New.
var DefaultStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// FakeClock stands still until Advance moves it. What is due at the same instant runs in the order in which it was
// scheduled, or with WithSeed in one that the seed decides; either way a run is repeatable. It may be used from several
// goroutines, but not from within a Cluster.
type FakeClock struct {
	stepping sync.Mutex // held while due work runs
	turns    turns

	mu     sync.Mutex
	now    time.Time
	seq    uint64
	timers timerHeap
	// shuffle decides which thread goes first; nil means first come, first served. instant is one instant's timers, kept
	// to reuse its memory.
	shuffle *mathrand.Rand
	instant []*Timer
}

// NewFakeClock makes a clock that starts at start.
func NewFakeClock(start time.Time) *FakeClock { return &FakeClock{now: start} }

// Now is the current virtual time.
func (c *FakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock by d and runs what falls due on the way, in order of time.
func (c *FakeClock) Advance(d time.Duration) {
	c.stepping.Lock()
	defer c.stepping.Unlock()
	c.mu.Lock()
	end := c.now.Add(d)
	c.mu.Unlock()
	for c.runNext(end) {
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now.Before(end) {
		c.now = end
	}
}

// stepFree moves the clock to the next due work and runs it, unless that lies beyond limit. While the clock is not free
// to move it returns a channel instead, which closes when that may have changed.
func (c *FakeClock) stepFree(limit time.Time) (moved bool, changed <-chan struct{}) {
	c.stepping.Lock()
	defer c.stepping.Unlock()
	if free, changed := c.turns.free(); !free {
		return false, changed
	}
	return c.runNext(limit), nil
}

func (c *FakeClock) runNext(limit time.Time) bool {
	c.mu.Lock()
	if len(c.timers) == 0 || c.timers[0].at.After(limit) {
		c.mu.Unlock()
		return false
	}
	t := c.pop()
	if c.now.Before(t.at) {
		c.now = t.at
	}
	c.mu.Unlock()
	t.come()
	return true
}

// shuffleBy lets a seed decide which thread goes first.
func (c *FakeClock) shuffleBy(seed uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shuffle = mathrand.New(mathrand.NewPCG(seed, shuffleStream+1)) //nolint:gosec // an order, not a secret
}

// pop takes the next timer: with shuffle, of those that are due at the same instant, the first of a thread chosen at
// random.
func (c *FakeClock) pop() *Timer {
	first := heap.Pop(&c.timers).(*Timer)
	if c.shuffle == nil {
		return first
	}
	firsts := append(c.instant[:0], first) // of each thread
	var others []*Timer
	for len(c.timers) > 0 && c.timers[0].at.Equal(first.at) {
		t := heap.Pop(&c.timers).(*Timer)
		if slices.ContainsFunc(firsts, func(f *Timer) bool { return f.thread == t.thread }) {
			others = append(others, t)
		} else {
			firsts = append(firsts, t)
		}
	}
	// By number: who came first may depend on Go's own scheduling.
	slices.SortFunc(firsts, func(a, b *Timer) int { return a.thread.Index - b.thread.Index })
	chosen := c.shuffle.IntN(len(firsts))
	for i, t := range firsts {
		if i != chosen {
			heap.Push(&c.timers, t)
		}
	}
	for _, t := range others {
		heap.Push(&c.timers, t)
	}
	c.instant = firsts
	return firsts[chosen]
}

// Burn lets d pass without running anything: a guest that sleeps holds its thread.
func (c *FakeClock) Burn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *FakeClock) start(t *Timer, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seq++
	t.at, t.seq = c.now.Add(d), c.seq
	heap.Push(&c.timers, t)
}

func (c *FakeClock) stop(t *Timer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.index >= 0 {
		heap.Remove(&c.timers, t.index)
	}
}

type timerHeap []*Timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].seq < h[j].seq
	}
	return h[i].at.Before(h[j].at)
}
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *timerHeap) Push(x any) {
	t := x.(*Timer)
	t.index = len(*h)
	*h = append(*h, t)
}
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.index = -1
	return t
}
