package hostsim

import (
	"sync"
	"sync/atomic"
	"time"
)

// thread is one of Envoy's: the main thread or a worker. All that runs on it runs under mu, one thing at a time, so two
// calls into one of its VMs never meet.
type thread struct {
	process *Process
	index   int // 0 is the main thread

	mu  sync.Mutex
	vms map[string]*vm // by VM key

	// hostcalls counts those of the guests on this thread.
	hostcalls atomic.Int64

	inboxMu sync.Mutex
	inbox   []func()
}

// run does f on the thread, and what has been posted to it meanwhile.
func (t *thread) run(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f != nil {
		f()
	}
	for {
		g, ok := t.take()
		if !ok {
			return
		}
		g()
	}
}

func (t *thread) take() (func(), bool) {
	t.inboxMu.Lock()
	defer t.inboxMu.Unlock()
	if len(t.inbox) == 0 {
		return nil, false
	}
	f := t.inbox[0]
	t.inbox = t.inbox[1:]
	return f, true
}

// post has f done on the thread soon: at once when somebody runs it now, else by the process's next settle, or on a
// real clock by a goroutine.
func (t *thread) post(f func()) {
	t.inboxMu.Lock()
	t.inbox = append(t.inbox, f)
	t.inboxMu.Unlock()
	if t.process.fake == nil {
		t.process.spawn(func() { t.run(nil) })
	}
}

// after does f on the thread, d from now. stop may be called from anywhere; a stopped f does not run.
func (t *thread) after(d time.Duration, f func()) (stop func()) {
	stopped := false // under mu, as all timers are stopped on their own thread
	cancel := t.process.clock.after(t, d, func() {
		t.run(func() {
			if !stopped && !t.process.isClosed() {
				f()
			}
		})
		t.process.settle()
	})
	return func() {
		stopped = true
		cancel()
	}
}
