package spikearrest

import (
	"encoding/binary"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

// several is a limiter of several limits, or of messages that weigh differently.
// An entry holds a TAT for each limit behind the hash, so that one
// compare-and-swap spends of all limits or of none. See the package's comment for
// the bound, and for what the first entry of a bucket is for.
type several struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	limits     []limit
	violations []string
	most       int64 // the highest weight of a message; 0 refuses all
	header     string
	callers    callers
	clock      func() int64
	table      *sharedtable.Table
	told       told
}

func newSeveral(o Options, store sharedtable.Store, clock func() int64) pipeline.Step {
	s := &several{
		callers: callers{per: o.Per, identity: identity(o), store: store},
		header:  o.WeightHeader, clock: clock, told: tell(&o),
	}
	if o.Weight >= 1 && o.Weight <= MaxWeight && len(o.Further) < MaxLimits {
		s.most = int64(o.Weight)
	}
	for _, l := range o.limits() {
		compiled := newLimit(l.Rate, l.Burst)
		if compiled.slot == 0 {
			s.most = 0
		}
		s.limits = append(s.limits, compiled)
		s.violations = append(s.violations, violation(l.Rate, l.Burst))
	}
	layout := sharedtable.Layout{
		Name:      "spike_arrest/3/" + hexadecimal(s.callers.identity[:16]),
		Buckets:   Buckets,
		Entries:   EntriesPerBucket,
		EntrySize: tatSize * (1 + len(s.limits)),
	}
	if o.Per.Kind == All {
		layout.Buckets, layout.Entries = 1, 1
	}
	s.table = sharedtable.New(store, layout)
	return s
}

// limits are all of them, the first one first.
func (o *Options) limits() []Limit {
	return append([]Limit{{Rate: o.Rate, Burst: o.Burst}}, o.Further...)
}

// Name implements pipeline.Step.
func (s *several) Name() string { return "spike_arrest" }

// Apply implements pipeline.Step.
func (s *several) Apply(x *pipeline.Exchange) pipeline.Outcome {
	if s.most == 0 || !s.limits[0].usable(x.Now) {
		return unavailable()
	}
	c, err := s.callers.of(x)
	if err != nil {
		return unavailable()
	}
	weight := s.weight(x)
	var d Decision
	var tightest int
	err = s.table.Update(c.bucket, func(b sharedtable.Bucket) (write bool) {
		d, tightest, write = s.spend(b, c.hash, x.Now, weight)
		return write
	})
	if err != nil {
		return unavailable()
	}
	if !d.allowed {
		return pipeline.Deny(denial.Denial{
			Reason:            denial.SpikeArrestExceeded,
			RetryAfterSeconds: retryAfter(d.retryIn),
			Text:              s.violations[tightest],
			Limit:             s.told.names[tightest],
			LimitPolicy:       s.told.policy,
		})
	}
	if s.told.report {
		x.Allowances = append(x.Allowances, s.told.allowance(tightest, d, x.Now))
	}
	return pipeline.Continue()
}

// weight is what the message costs: 1 without the header, and the most there is
// when it holds anything but one number from 1 to that. So nobody gets cheaper by
// what he writes there than he would be without it.
func (s *several) weight(x *pipeline.Exchange) int64 {
	if s.header == "" {
		return s.most
	}
	weight, lines := int64(1), 0
	for i := range x.Headers {
		if x.Headers[i].Name == s.header {
			weight = number(x.Headers[i].Value)
			lines++
		}
	}
	if lines > 1 || weight < 1 || weight > s.most {
		return s.most
	}
	return weight
}

// number reads digits alone, as many as MaxWeight has; 0 for anything else.
func number(text string) (n int64) {
	if len(text) > len("1000") {
		return 0
	}
	for i := range len(text) {
		digit := text[i] - '0'
		if digit > 9 {
			return 0
		}
		n = n*10 + int64(digit)
	}
	return n
}

// spend decides on a message, as the one of step does. tightest is the limit that
// refused it for the longest, or that has least room left.
func (s *several) spend(b sharedtable.Bucket, hash uint64, now, weight int64) (d Decision, tightest int, write bool) {
	if b.Condition == sharedtable.Damaged {
		s.eachTAT(b, func(i int, _ int64) int64 { return s.limits[i].furthest(now, s.most) })
		write = true
	}
	if s.confine(b, now, false) {
		if fresh := s.clock(); s.limits[0].usable(fresh) { // as in step.spend
			now = fresh
		}
		write = s.confine(b, now, true) || write
	}
	entry, floor, mine := s.find(b, hash, now)
	var start, after [MaxLimits]int64
	for i, l := range s.limits {
		start[i] = s.tat(entry, i)
		if floor != nil && !mine {
			start[i] = max(start[i], s.tat(floor, i))
		}
		one := l.admit(start[i], now, weight)
		after[i] = one.newTAT
		if i == 0 || one.tighter(d) {
			d, tightest = one, i
		}
	}
	if !d.allowed {
		return d, tightest, write
	}
	if floor != nil {
		for i := range s.limits {
			if !mine && s.tat(entry, 0) != 0 { // its caller is gone, but not what it owes
				s.setTAT(floor, i, start[i])
			}
		}
		binary.BigEndian.PutUint64(entry, hash)
	}
	for i := range s.limits {
		s.setTAT(entry, i, after[i])
	}
	return d, tightest, true
}

// tighter tells whether d holds a message back more than the other.
func (d Decision) tighter(than Decision) bool {
	if d.allowed != than.allowed {
		return than.allowed
	}
	if d.allowed {
		return d.remaining < than.remaining
	}
	return d.retryIn > than.retryIn
}

// find gives the caller's own entry, else a vacant one, else the one whose limits
// would have room first; floor is the first entry, nil where there is one caller.
func (s *several) find(b sharedtable.Bucket, hash uint64, now int64) (entry, floor []byte, mine bool) {
	if s.callers.per.Kind == All {
		return b.Entry(0), nil, true
	}
	var shortest int64
	for k := 1; k < b.Len(); k++ {
		e := b.Entry(k)
		vacant := s.tat(e, 0) == 0
		if !vacant && binary.BigEndian.Uint64(e) == hash {
			return e, b.Entry(0), true
		}
		wait := int64(-1 << 62)
		if !vacant {
			for i, l := range s.limits {
				wait = max(wait, s.tat(e, i)-now-l.tolerance)
			}
		}
		if entry == nil || wait < shortest {
			entry, shortest = e, wait
		}
	}
	return entry, b.Entry(0), false
}

// confine reports whether a TAT lies further ahead than any message at now could
// have put it, and brings it back to there if so told.
func (s *several) confine(b sharedtable.Bucket, now int64, change bool) (beyond bool) {
	s.eachTAT(b, func(i int, tat int64) int64 {
		if furthest := s.limits[i].furthest(now, s.most); tat < 0 || tat > furthest {
			beyond = true
			if change {
				return furthest
			}
		}
		return tat
	})
	return beyond
}

func (s *several) eachTAT(b sharedtable.Bucket, changed func(i int, tat int64) int64) {
	for k := range b.Len() {
		e := b.Entry(k)
		for i := range s.limits {
			s.setTAT(e, i, changed(i, s.tat(e, i)))
		}
	}
}

func (s *several) tat(entry []byte, i int) int64 {
	return int64(binary.BigEndian.Uint64(entry[tatSize*(1+i):]))
}

func (s *several) setTAT(entry []byte, i int, tat int64) {
	binary.BigEndian.PutUint64(entry[tatSize*(1+i):], uint64(tat))
}

var _ pipeline.Step = (*several)(nil)

// told is what a limiter says of itself to clients; see denial.Denial.
type told struct {
	report bool
	names  []string // of the limits
	policy string
}

func tell(o *Options) told {
	t := told{report: o.Report}
	for i, l := range o.limits() {
		name := l.Rate.String()
		if o.Per.Kind != All {
			name += "-" + o.Per.word()
		}
		if i > 0 {
			t.policy += ", "
		}
		t.names = append(t.names, name)
		t.policy += denial.PolicyItem(name, l.Rate.messages, int(l.Rate.period/time.Second))
	}
	return t
}

// allowance is what an admitted message has left of the limit i.
func (t *told) allowance(i int, d Decision, now int64) pipeline.Allowance {
	return pipeline.Allowance{
		Name: t.names[i], Policy: t.policy,
		Remaining: d.remaining, Seconds: max(0, (d.newTAT-now+int64(time.Second)-1)/int64(time.Second)),
	}
}
