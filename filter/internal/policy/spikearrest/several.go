package spikearrest

import (
	"encoding/binary"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

// several is a limiter of several limits, or of messages that weigh
// differently. An entry holds a TAT for each limit after the hash, so that one
// compare-and-swap spends of all limits or of none. See the package's comment
// for the bound, and for what the first entry of a bucket is for.
type several struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	rules   []rule
	most    int64 // the highest weight of a message; 0 refuses all
	header  string
	callers callers
	clock   func() int64
	table   *sharedtable.Table
	report  bool
}

func newSeveral(o Options, store host.Store, clock func() int64) pipeline.Step {
	s := &several{
		callers: callers{per: o.Per, identity: identity(o), store: store},
		header:  o.WeightHeader, clock: clock, rules: rules(&o), report: o.Report,
	}
	if o.Weight >= 1 && o.Weight <= MaxWeight && len(o.Further) < MaxLimits {
		s.most = int64(o.Weight)
	}
	for i := range s.rules {
		if s.rules[i].slot == 0 {
			s.most = 0
		}
	}
	layout := sharedtable.Layout{
		Name:      "spike_arrest/3/" + ascii.Hex(s.callers.identity[:16]),
		Buckets:   Buckets,
		Entries:   EntriesPerBucket,
		EntrySize: tatSize * (1 + len(s.rules)),
	}
	if o.Per.Kind == All {
		layout.Buckets, layout.Entries = 1, 1
	}
	s.table = sharedtable.New(store, layout)
	return s
}

// Name implements pipeline.Step.
func (s *several) Name() string { return "spike_arrest" }

// Apply implements pipeline.Step.
func (s *several) Apply(x *pipeline.Exchange) pipeline.Outcome {
	if s.most == 0 || !s.rules[0].usable(x.Now) {
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
		return s.rules[tightest].refuse(d)
	}
	if s.report {
		s.rules[tightest].tell(x, d)
	}
	return pipeline.Continue()
}

// weight is what the message costs: 1 without the header, and the most there is
// when it holds anything but one number from 1 to that. So nothing that is
// written there makes a message cheaper than having no header would.
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

// number reads only digits, as many as MaxWeight has; 0 for anything else.
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
		write = s.confine(b, now, raise)
	}
	if s.confine(b, now, look) {
		if fresh := s.clock(); s.rules[0].usable(fresh) { // as in step.spend
			now = fresh
		}
		write = s.confine(b, now, lower) || write
	}
	entry, floor, mine := s.find(b, hash, now)
	var start, after [MaxLimits]int64
	for i := range s.rules {
		l := s.rules[i].limit
		start[i] = tatAt(entry, i)
		if floor != nil && !mine {
			start[i] = max(start[i], tatAt(floor, i))
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
		if !mine && tatAt(entry, 0) != 0 { // its caller is gone, but not what it owes
			s.setTATs(floor, &start)
		}
		binary.LittleEndian.PutUint64(entry, hash)
	}
	s.setTATs(entry, &after)
	return d, tightest, true
}

// tighter reports whether d holds a message back more than the other.
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
		vacant := tatAt(e, 0) == 0
		if !vacant && binary.LittleEndian.Uint64(e) == hash {
			return e, b.Entry(0), true
		}
		wait := int64(-1 << 62)
		if !vacant {
			for i := range s.rules {
				wait = max(wait, tatAt(e, i)-now-s.rules[i].tolerance)
			}
		}
		if entry == nil || wait < shortest {
			entry, shortest = e, wait
		}
	}
	return entry, b.Entry(0), false
}

// What confine does.
const (
	look  = iota // at what lies too far ahead
	lower        // it to the furthest point there can be
	raise        // everything to there
)

// confine reports whether a TAT lies further ahead than any message at now could
// have put it, or is to be raised.
func (s *several) confine(b sharedtable.Bucket, now int64, what int) (found bool) {
	for k := range b.Len() {
		e := b.Entry(k)
		for i := range s.rules {
			furthest := s.rules[i].furthest(now, s.most)
			if uint64(tatAt(e, i)) > uint64(furthest) || what == raise {
				found = true
				if what != look {
					setTAT(e, i, furthest)
				}
			}
		}
	}
	return found
}

func (s *several) setTATs(entry []byte, tats *[MaxLimits]int64) {
	for i := range s.rules {
		setTAT(entry, i, tats[i])
	}
}

// tatAt and setTAT are one copy each: they are used in many places.
//
//go:noinline
func tatAt(entry []byte, i int) int64 {
	return int64(binary.LittleEndian.Uint64(entry[tatSize*(1+i):]))
}

//go:noinline
func setTAT(entry []byte, i int, tat int64) {
	binary.LittleEndian.PutUint64(entry[tatSize*(1+i):], uint64(tat))
}

var _ pipeline.Step = (*several)(nil)

// rule is a limit and what is said about it.
type rule struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	limit
	violation string
	told      denial.Limit
	last      *denial.Denial // see refuse
}

func rules(o *Options) []rule {
	all := make([]rule, 1+len(o.Further))
	var policy, comma string
	l := Limit{Rate: o.Rate, Burst: o.Burst}
	for i := range all {
		if i > 0 {
			l = o.Further[i-1]
		}
		r := &all[i]
		r.limit, r.violation = newLimit(l.Rate, l.Burst), violation(l.Rate, l.Burst)
		r.told.Name = l.Rate.String()
		if o.Per.Kind != All {
			r.told.Name += "-" + o.Per.word()
		}
		policy += comma + denial.PolicyItem(r.told.Name, l.Rate.messages, int(l.Rate.period/time.Second))
		comma = ", "
	}
	for i := range all {
		all[i].told.Policy = policy
	}
	return all
}

// refuse gives the refusal of a message over the rate. In a flood most say the
// same as the one before.
//
//go:noinline
func (r *rule) refuse(d Decision) pipeline.Outcome {
	if seconds := retryAfter(d.retryIn); r.last == nil || r.last.RetryAfterSeconds != seconds {
		r.last = &denial.Denial{Reason: denial.SpikeArrestExceeded, RetryAfterSeconds: seconds, Text: r.violation, Limit: &r.told}
	}
	return pipeline.DenyWith(r.last)
}

// tell leaves with an admitted message what it has left of the limit.
//
//go:noinline
func (r *rule) tell(x *pipeline.Exchange, d Decision) {
	x.Allowances = append(x.Allowances, pipeline.Allowance{
		Limit: &r.told, Remaining: int(d.remaining), Seconds: retryAfter(time.Duration(d.newTAT - x.Now)),
	})
}
