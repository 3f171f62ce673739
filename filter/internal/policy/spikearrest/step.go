package spikearrest

import (
	"encoding/binary"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sha256"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

// unavailableRetrySeconds is the Retry-After when nothing could be decided:
// contention is over at once.
const unavailableRetrySeconds = 1

// Options describe one limiter.
type Options struct {
	_ [0]func() // not comparable: an unused == costs the guest code
	// ID tells this limiter from all others, and stays the same from one
	// configuration to the next. Limiters whose Options are all the same are one.
	ID     string
	Rate   Rate
	Burst  int // 1..MaxBurst
	Per    Per
	Weight int // 1..MaxWeight

	// Further limits apply beside the first, MaxLimits in all. All of them must
	// have room for a message, and one that is refused costs none of them
	// anything.
	Further []Limit
	// WeightHeader, in lower case, names a header with a message's own weight;
	// Weight is then the highest. See messageWeight. "" for none.
	WeightHeader string
	// Report leaves in the exchange how much room an admitted message has left.
	Report bool
}

// Limit is a rate and how many messages may come at once.
type Limit struct {
	Rate  Rate
	Burst int // 1..MaxBurst
}

// MaxLimits bounds the limits of one step.
const MaxLimits = 4

// step is a limiter in one VM.
type step struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	limit   limit
	weight  int64
	callers callers
	clock   func() int64
	table   *sharedtable.Table
	rule    rule
	report  bool
}

// New makes the step. Options out of their bounds make one that refuses every
// request with denial.SpikeArrestUnavailable. A step belongs to one VM: it is
// not safe for concurrent use. It makes one Get and one Set for a message that
// passes, one Get for one that is refused, and a few more for its first one.
// The limiter of all messages makes only the Set while no other VM counts.
// clock reads the host's, in unix nanoseconds; it is read only when the clock
// seems to have been set back.
func New(o Options, store host.Store, clock func() int64) pipeline.Step {
	if len(o.Further) > 0 || o.WeightHeader != "" {
		return newSeveral(o, store, clock)
	}
	s := &step{callers: callers{per: o.Per, identity: identity(o), store: store}, clock: clock, rule: rules(&o)[0], report: o.Report}
	if o.Weight >= 1 && o.Weight <= MaxWeight {
		s.limit, s.weight = s.rule.limit, int64(o.Weight)
	}
	layout := sharedtable.Layout{
		Name:      "spike_arrest/2/" + ascii.Hex(s.callers.identity[:16]), // 1 had other hashes and entries
		Buckets:   Buckets,
		Entries:   EntriesPerBucket,
		EntrySize: entrySize,
	}
	if o.Per.Kind == All {
		layout.Buckets, layout.Entries, layout.EntrySize = 1, 1, tatSize
	}
	s.table = sharedtable.New(store, layout)
	return s
}

// identity covers all that the meaning and the bounds of a kept TAT depend on.
func identity(o Options) [sha256.Size]byte {
	b := appendValue(appendValue(nil, o.ID), o.Per.Header)
	b = append(b, byte(o.Per.Kind), byte(o.Per.IPv6Prefix))
	for _, number := range [...]uint64{uint64(o.Rate.messages), uint64(o.Rate.period), uint64(o.Burst), uint64(o.Weight)} {
		b = binary.BigEndian.AppendUint64(b, number)
	}
	for _, l := range o.Further {
		b = appendValue(b, l.Rate.String())
		b = binary.BigEndian.AppendUint64(b, uint64(l.Burst))
	}
	if o.WeightHeader != "" {
		b = appendValue(b, o.WeightHeader)
	}
	return sha256.Sum256(b)
}

// Name implements pipeline.Step.
func (s *step) Name() string { return "spike_arrest" }

// Apply implements pipeline.Step.
func (s *step) Apply(x *pipeline.Exchange) pipeline.Outcome {
	if !s.limit.usable(x.Now) {
		return unavailable()
	}
	c, err := s.callers.of(x)
	if err != nil {
		return unavailable()
	}
	var d Decision
	err = s.table.Update(c.bucket, func(b sharedtable.Bucket) (write bool) {
		d, write = s.spend(b, c.hash, x.Now)
		return write
	})
	if err != nil {
		return unavailable()
	}
	if !d.allowed {
		return s.rule.refuse(d)
	}
	if s.report {
		s.rule.tell(x, d)
	}
	return pipeline.Continue()
}

func unavailable() pipeline.Outcome {
	return pipeline.Deny(denial.Denial{
		Reason:            denial.SpikeArrestUnavailable,
		RetryAfterSeconds: unavailableRetrySeconds,
	})
}

// retryAfter rounds up to the seconds that the header counts in.
func retryAfter(in time.Duration) int {
	return max(1, int((in+time.Second-1)/time.Second))
}

var _ pipeline.Step = (*step)(nil)
