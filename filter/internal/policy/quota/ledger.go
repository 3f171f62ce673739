package quota

// answer is what happens to one request, as far as an account can say. The zero
// answer refuses.
type answer uint8

const (
	// exceeded: whatever the engine knows, the limit does not allow it.
	exceeded answer = iota
	// admitted: it has been counted.
	admitted
	// ask: only the engine can tell.
	ask
)

// spend decides without an engine.
func (a *account) spend(limit, weight int64) answer {
	if !a.fits(limit, weight) {
		return exceeded
	}
	a.known += weight
	return admitted
}

// spendShare decides in reconciled mode. Up to two batches may be admitted that
// the engine has not counted yet: one that is being reported, and one for the
// time until that is known.
//
// # The bound
//
// However many Envoys share a limit, whatever their requests and the order in
// which the engine hears of them, in one window
//
//	admitted <= limit + Envoys*2*batch - 1
//
// and one Envoy alone admits no more than the limit. Proof: let the engine's
// count reach the limit with some report; before that one it was at most limit-1.
// All that an Envoy admits which the engine had not counted before is either in
// the first report that the engine counts from then on, whose answer says that the
// limit is reached, or was admitted before that answer came; until then all of it
// is unsent or flying, so it is at most 2*batch. After the answer known is at
// least the limit, and the Envoy admits nothing more. Of one Envoy alone,
// known+unsent+flying is at least all that it admitted.
//
// The engine's count may be ahead of what was admitted, never behind: a report
// whose end is not known is sent again.
func (a *account) spendShare(limit, weight, batch int64) answer {
	if !a.fits(limit, weight) {
		return exceeded
	}
	if a.unsent+a.flying+weight > 2*batch {
		return ask
	}
	a.unsent += weight
	return admitted
}

// pocketPart is which part of a batch a VM may take to spend by itself, and
// pocketLeft which part of what is left of the limit.
const pocketPart, pocketLeft = 16, 64

// fillPocket counts further hits as admitted, for a VM that then need not look at
// the account for each. They are so few that those which nobody spends, and which
// come back with the next tick that reports, make no difference to the limit. The
// bound of spendShare holds for what is taken as for what is admitted.
func (a *account) fillPocket(limit, batch int64) (hits int64) {
	hits = min(batch/pocketPart, (limit-a.spent())/pocketLeft, 2*batch-a.unsent-a.flying)
	hits = max(hits, 0)
	a.unsent += hits
	return hits
}

// takeReport gives the hits to report, 0 for none: not while another report is
// flying, and fewer than a batch only when they are due.
//
//go:noinline
func (a *account) takeReport(batch int64, due bool, now, until int64) (hits int64) {
	if a.flying > 0 {
		if a.until > now {
			return 0
		}
		a.failed(a.flying) // it was lost
	}
	if a.unsent == 0 || a.unsent < batch && !due {
		return 0
	}
	hits = min(a.unsent, MaxLimit)
	a.unsent -= hits
	a.flying, a.until = hits, until
	return hits
}

// reported notes that the engine has counted a report; see counted.
func (a *account) reported(hits int64) {
	a.flying = max(0, a.flying-hits)
	a.until = 0
}

// failed notes that it may not have: the hits are sent again.
func (a *account) failed(hits int64) {
	hits = min(hits, a.flying)
	a.flying -= hits
	a.unsent = min(a.unsent+hits, maxUnsent)
	a.until = 0
}

// counted notes what the engine said about this window: that it has counted at
// least so many hits.
func (a *account) counted(hits int64) { a.known = max(a.known, min(hits, MaxLimit)) }

// looked is the same for a look without hits, which may find that the operator
// has reset the count.
func (a *account) looked(hits int64) { a.known = max(0, min(hits, MaxLimit)) }

// lookAgain is how often an account that is exhausted is looked at, in
// nanoseconds, because the operator may have reset it. A look counts nothing.
const lookAgain = 5 * nanosPerSecond

// look reports whether it is time to look at an account; write, whether that
// changed it.
func (a *account) look(now int64) (due, write bool) {
	if a.recheck > now {
		return false, false
	}
	due = a.recheck > 0
	a.recheck = now + lookAgain
	return due, true
}

// owe counts a request that went on although the engine could not be asked, up to
// so many hits that the engine does not know of.
func (a *account) owe(weight, most int64) bool {
	if weight <= 0 || a.unsent+a.flying > most-weight {
		return false
	}
	a.unsent += weight
	return true
}

// batchOf is how many of the waiting hits one call may carry, given what was
// left when the engine last answered: a small part, so that a call that does
// not fit as a whole, because of other Envoys, is rare; one request near the
// limit.
func batchOf(left int64) int64 { return max(1, left/batchPart) }

const batchPart = 16
