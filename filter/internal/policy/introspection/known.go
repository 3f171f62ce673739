package introspection

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

// RecheckEvery bounds how long a VM believes its own cache without a look at the
// one that all VMs share. It is therefore the time for which a token may still
// be accepted after any VM has learned that it is not active.
const RecheckEvery = time.Second

// The metrics of lookups that spared a call, by who knew the answer.
const (
	metricHits     = "sallyport_introspection_cache_hits.sp_level="
	metricHitsVM   = metricHits + "vm|"
	metricHitsAll  = metricHits + "shared|"
	metricHitsGone = metricHits + "inactive|"
)

var inactiveToken = &pipeline.Claims{}

// held gives what this VM knows about a token, as far as it may still be
// believed. It has passed precheck.
func (s *Step) held(k sharedtable.Key, now int64) (e *entry, ok bool) {
	if element, found := s.cache.byKey[k]; found {
		return s.believed(element.Value.(*entry), now)
	}
	return nil, false
}

// believed is held for an entry of the cache.
//
//go:noinline
func (s *Step) believed(e *entry, now int64) (_ *entry, ok bool) {
	e, good := s.cache.use(e, now)
	if !good || !s.stillTrue(e, now) {
		return nil, false
	}
	e.hits++
	s.hits.vm.Add(1)
	return e, true
}

// known gives what all VMs together know about a token that has passed
// precheck, as far as this step lets it be believed.
func (s *Step) known(q *inquiry, now int64) (claims *pipeline.Claims, ok bool) {
	if s.shared == nil {
		return nil, false
	}
	if a, ok := s.shared.answers.Active(q.key, now); ok {
		if a = s.lives.limit(a, q.valid); now >= a.Stored && now < a.Until {
			s.cache.put(&entry{Record: a, key: q.key, valid: q.valid, shared: true, checked: now})
			s.hits.all.Add(1)
			return a.Claims, true
		}
	}
	if s.lives.negative > 0 {
		if found, ok := s.shared.answers.Inactive(q.key, now, int64(s.lives.negative)); ok {
			s.cache.drop(q.key)
			s.dead.put(q.name, q.valid, found)
			s.hits.inactive.Add(1)
			return inactiveToken, true
		}
	}
	return nil, false
}

// stillTrue checks, once in a while, whether other VMs have learned better.
// What they no longer know, for whatever reason, is not known here either.
func (s *Step) stillTrue(e *entry, now int64) bool {
	age := now - e.checked
	if s.shared == nil || 0 <= age && age < int64(RecheckEvery) {
		return true
	}
	if s.shared.answers.Unchanged(&e.Record) {
		e.checked = now
		return true
	}
	if !e.shared && s.shared.answers.Holds(e.key, now) {
		e.checked = now
		return true
	}
	a, ok := s.shared.answers.Active(e.key, now)
	if ok {
		a = s.lives.limit(a, e.valid)
		ok = now >= a.Stored && now < a.Until
	}
	if !ok {
		s.cache.drop(e.key)
		return false
	}
	e.Record, e.shared, e.checked = a, true, now
	return true
}

// lastKnown gives what may be believed in an outage: what all VMs share, since
// any of them may have taken it back, or else claims that are too long to
// share, if it is shared that they are good. For how long is up to this step.
func (s *Step) lastKnown(q *inquiry, now int64) (claims *pipeline.Claims, ok bool) {
	if s.shared != nil {
		if a, ok := s.shared.answers.Active(q.key, now); ok {
			a = s.lives.limit(a, q.valid)
			return a.Claims, now >= a.Stored && now < a.Gone
		}
	}
	e, _ := s.cache.find(q.key, now)
	if e == nil || s.shared != nil && (e.shared || !s.shared.answers.Holds(q.key, now)) {
		return nil, false
	}
	return e.Claims, true
}

// remember puts an answer into the caches. An inactive token is forgotten
// everywhere, by each VM when it next looks.
func (s *Step) remember(c *call, claims *pipeline.Claims, now int64) {
	k := c.key
	s.cache.drop(k)
	if !claims.Active {
		if s.shared != nil {
			if s.shared.answers.Evict(k) != nil {
				s.warn("an inactive token could not be removed from the shared cache: the host refused")
			}
			s.shared.answers.PutInactive(k, now, now+int64(s.lives.negative))
		}
		return
	}
	a, ok := s.lives.answer(claims, now)
	if !ok {
		return
	}
	e := &entry{Record: s.lives.limit(a, c.valid), key: k, valid: c.valid, checked: now}
	if s.shared != nil {
		_ = s.shared.answers.EvictInactive(k) // it would end by itself
		e.shared = s.shared.answers.PutActive(k, s.lives.shared(a))
	}
	s.cache.put(e)
}

// hits count the lookups that spared a call.
type hits struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	vm, all, inactive host.Counter
}

func newHits(m host.Metrics) hits {
	return hits{vm: m.Counter(metricHitsVM), all: m.Counter(metricHitsAll), inactive: m.Counter(metricHitsGone)}
}
