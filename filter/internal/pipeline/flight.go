package pipeline

// Flight is one call in flight, with every exchange that waits for it. It is
// not safe for concurrent use: a VM is one thread.
type Flight struct {
	waiters []*Run // in the order in which they came; nil for one that has left
	left    int    // so many of them
	joined  bool
	landed  bool
}

// Waiting is the number of exchanges that wait.
func (f *Flight) Waiting() int { return len(f.waiters) - f.left }

// Abandoned reports whether all who waited have left before the call ended.
func (f *Flight) Abandoned() bool { return f.joined && !f.landed && f.Waiting() == 0 }

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
		r := f.waiters[0]
		if f.waiters = f.waiters[1:]; r == nil {
			f.left--
			continue
		}
		r.wake()
	}
}

// join has the run woken when the flight lands.
func (f *Flight) join(r *Run) {
	r.place = len(f.waiters)
	f.waiters = append(f.waiters, r)
	f.joined = true
}

// leave forgets a run that waits no more: those whose clients have gone take
// neither memory nor another's place until the call ends. It changes nothing once
// the flight has landed.
//
//go:noinline
func (f *Flight) leave(r *Run) {
	if f.landed {
		return
	}
	f.waiters[r.place] = nil
	if f.left++; f.left <= len(f.waiters)/2 {
		return
	}
	kept := f.waiters[:0]
	for _, r := range f.waiters {
		if r != nil {
			r.place = len(kept)
			kept = append(kept, r)
		}
	}
	clear(f.waiters[len(kept):])
	f.waiters, f.left = kept, 0
}
