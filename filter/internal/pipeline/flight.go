package pipeline

// Flight is one call in flight, with every exchange that waits for it. It is
// not safe for concurrent use: a VM is one thread.
type Flight struct {
	waiters []func()
	landed  bool
}

// Waiting is the number of exchanges that wait.
func (f *Flight) Waiting() int { return len(f.waiters) }

// Landed reports whether the call has ended.
func (f *Flight) Landed() bool { return f.landed }

// Land ends the flight and wakes each waiter once, in the order in which they
// came. What a waiter does cannot keep the others from being woken: a panic
// goes on only after all have run.
//
//go:noinline
func (f *Flight) Land() {
	f.landed = true
	f.wakeAll()
}

func (f *Flight) wakeAll() {
	defer func() {
		if len(f.waiters) > 0 { // one has panicked
			f.wakeAll()
		}
	}()
	for len(f.waiters) > 0 {
		wake := f.waiters[0]
		f.waiters = f.waiters[1:]
		wake()
	}
}

func (f *Flight) onLanding(wake func()) { f.waiters = append(f.waiters, wake) }
