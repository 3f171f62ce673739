package concurrency

import (
	"errors"

	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

var errNoRoom = errors.New("more workers share a limit than its list has room for")

// room is what one API or app has, as one worker sees it.
type room struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	step    *step
	few     *sharedtable.Table
	many    *sharedtable.Table
	held    int   // this worker's places: the truth, whatever was published
	renewed int64 // when its lease was last renewed, unix nanoseconds
	unsaid  bool  // the published count is not true
}

func newRoom(s *step, app string) *room {
	layout := sharedtable.Layout{Name: s.key(app), Buckets: 1, Entries: fewHolders, EntrySize: entrySize, Resizes: true}
	r := &room{step: s, few: sharedtable.New(s.store, layout)}
	layout.Entries = manyHolders
	r.many = sharedtable.New(s.store, layout)
	return r
}

// enter takes a place. free is how many are left then, negative when none was.
func (r *room) enter(now int64) (free int64, err error) {
	s := r.step
	err = r.update(now, func(h *holders) (write bool) {
		free = s.most - h.others - int64(r.held) - 1
		shortened := h.shorten(now)
		if free < 0 {
			return shortened
		}
		h.put(h.own, s.holder, r.held+1, now+int64(Lease))
		return true
	})
	if err == nil && free >= 0 {
		r.held++
		s.held++
		r.said(now)
	}
	return free, err
}

// Leave implements pipeline.Place.
func (r *room) Leave() {
	if r.held == 0 {
		return
	}
	r.held--
	r.step.held--
	found := true
	err := r.update(r.step.latest, func(h *holders) (write bool) {
		if found = h.own != nil; found {
			h.put(h.own, r.step.holder, r.held, until(h.own))
		}
		return found
	})
	if err != nil || !found {
		r.unsay()
	}
}

// renew publishes the count as it is, above the limit or not.
func (r *room) renew(now int64) {
	err := r.update(now, func(h *holders) (write bool) {
		h.shorten(now)
		h.put(h.own, r.step.holder, r.held, now+int64(Lease))
		return true
	})
	if err != nil {
		r.unsay()
		return
	}
	r.said(now)
}

// update lets change work on the list, in which there is room for one more holder.
func (r *room) update(now int64, change func(*holders) (write bool)) error {
	tight, entries := false, fewHolders
	attempt := func(b sharedtable.Bucket) bool {
		h := arrange(b, r.step.holder, now)
		if tight = h.count > entries || h.count == entries && h.own == nil; tight {
			return false
		}
		if b.Condition == sharedtable.Damaged {
			h.put(nil, unknownHolder, MaxCalls, now+int64(settleTime))
			h.others += MaxCalls
			change(&h)
			return true
		}
		return change(&h)
	}
	err := r.few.Update(0, attempt)
	if err == nil && tight {
		entries = manyHolders
		if err = r.many.Update(0, attempt); err == nil && tight {
			return errNoRoom
		}
	}
	return err
}

func (r *room) said(now int64) {
	r.renewed = now
	if r.unsaid {
		r.unsaid = false
		r.step.unsaid--
	}
}

func (r *room) unsay() {
	if !r.unsaid {
		r.unsaid = true
		r.step.unsaid++
	}
}

var _ pipeline.Place = (*room)(nil)
