package quota

// Busy implements host.Background.
func (e *engine) Busy() bool { return len(e.desks) > 0 }

// Hear implements host.Background: nobody sends it anything.
func (e *engine) Hear([]byte, int64) {}

// Tick implements host.Background: it reports what is due. What another VM is
// reporting, or has reported, is no debt of this one.
func (e *engine) Tick(now int64) {
	for i := len(e.desks) - 1; i >= 0; i-- {
		if i >= len(e.desks) {
			continue
		}
		d := e.desks[i]
		if due := d.due > 0 && d.due <= now; due || len(d.late) > 0 && !d.reporting {
			e.settleUp(d, due, now)
		}
	}
}

// settleUp reports a desk's hits: all of them when they are due, else full batches.
func (e *engine) settleUp(d *desk, due bool, now int64) {
	hits, left := int64(0), false
	pocket := d.pocket
	if due {
		d.pocket = 0
	}
	err := e.step.update(d.who, &d.terms, now, func(a *account, kept bool) bool {
		if due && a.end == d.pocketEnd {
			a.unsent -= min(pocket, a.unsent)
		}
		hits = a.takeReport(e.step.options.Engine.Batch, due, now, e.until(now))
		left = a.unsent+a.flying > 0
		return kept && (hits > 0 || pocket > 0)
	})
	if due {
		d.due = e.sync(now)
	}
	if hits > 0 {
		e.report(d, hits, now)
	} else if err == nil && !left {
		d.due = 0
	}
	if !d.reporting {
		e.tryAgain(d, again)
	}
}

// tryAgain lets the requests go on that wait for a part of the share.
func (e *engine) tryAgain(d *desk, v verdict) {
	late := d.late
	d.late = nil
	late.release(v, 0, 0)
	e.leave(d)
}

// until is when a report that begins at now is given up.
func (e *engine) until(now int64) int64 { return now + int64(e.step.options.Engine.Timeout+callLease) }

// report sends hits that were admitted. When it fails they are sent again later.
func (e *engine) report(d *desk, hits, now int64) {
	d.reporting = true
	if !e.call(d, hits, now, func(at int64, r *reply) { e.reported(d, hits, at, r) }) {
		e.reported(d, hits, now, nil)
	}
}

// reported notes how a report ended; r is nil when it failed. If that cannot be
// noted, the report's lease ends by itself.
func (e *engine) reported(d *desk, hits, now int64, r *reply) {
	_ = e.step.update(d.who, &d.terms, now, func(a *account, kept bool) bool {
		if r == nil {
			a.failed(hits)
			return kept
		}
		a.reported(hits)
		a.learn(&d.terms, r, now)
		return kept
	})
	d.reporting = false
	if r == nil {
		e.tryAgain(d, unasked)
		return
	}
	e.tryAgain(d, again)
}

// look asks what the engine has counted.
func (e *engine) look(d *desk, now int64) {
	e.call(d, 0, now, func(at int64, r *reply) {
		if r == nil || r.code != codeOK || !r.hasStatus || !d.terms.present(r, at/nanosPerSecond) {
			return
		}
		_ = e.step.update(d.who, &d.terms, at, func(a *account, kept bool) bool { // else another look will find it
			a.looked(d.terms.limitAt(at/nanosPerSecond) - r.remaining)
			return kept
		})
	})
}

// learn notes what an answer says about the current window.
func (a *account) learn(t *terms, r *reply, now int64) {
	seconds := now / nanosPerSecond
	if !t.present(r, seconds) {
		return
	}
	switch limit := t.limitAt(seconds); {
	case r.code == codeOverLimit:
		a.counted(limit)
	case r.hasStatus:
		a.counted(limit - r.remaining)
	}
	a.recheck = now + lookAgain
}
