package spikearrest

import (
	"encoding/binary"
	"time"
	"unsafe"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sha256"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
	"github.com/sallyport-gateway/sallyport/filter/internal/siphash"
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
}

// step is a limiter in one VM.
type step struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	limit     limit
	weight    int64
	per       Per
	identity  [sha256.Size]byte
	clock     func() int64
	store     sharedtable.Store
	table     *sharedtable.Table
	violation string
	last      *denial.Denial // see exceeded

	secret siphash.Key // from the shared seed and the identity, with the first message that needs it
	seeded bool
}

// New makes the step. Options out of their bounds make one that refuses every
// request with denial.SpikeArrestUnavailable. A step belongs to one VM: it is not
// safe for concurrent use. It makes one Get and one Set for a message that
// passes, one Get for one that is refused, and a few more for its first one.
// clock reads the host's, in unix nanoseconds; it is read only when the clock
// seems to have been set back.
func New(o Options, store sharedtable.Store, clock func() int64) pipeline.Step {
	s := &step{per: o.Per, identity: identity(o), store: store, clock: clock, violation: violation(o.Rate, o.Burst)}
	if o.Weight >= 1 && o.Weight <= MaxWeight {
		s.limit, s.weight = newLimit(o.Rate, o.Burst), int64(o.Weight)
	}
	layout := sharedtable.Layout{
		Name:      "spike_arrest/2/" + ascii.Hex(s.identity[:16]), // 1 had other hashes and entries
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
	return sha256.Sum256(b)
}

// Name implements pipeline.Step.
func (s *step) Name() string { return "spike_arrest" }

// Apply implements pipeline.Step.
func (s *step) Apply(x *pipeline.Exchange) pipeline.Outcome {
	if !s.limit.usable(x.Now) {
		return unavailable()
	}
	c, err := s.caller(x)
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
		return pipeline.DenyWith(s.exceeded(retryAfter(d.retryIn)))
	}
	return pipeline.Continue()
}

// exceeded gives the refusal of a message over the rate. In a flood most say the
// same as the one before.
func (s *step) exceeded(seconds int) *denial.Denial {
	if s.last == nil || s.last.RetryAfterSeconds != seconds {
		s.last = &denial.Denial{Reason: denial.SpikeArrestExceeded, RetryAfterSeconds: seconds, Text: s.violation}
	}
	return s.last
}

// usualCallerBytes is room for a value such as an address.
const usualCallerBytes = 128

// caller hashes what the message is counted by, under a key from the seed: nobody
// outside can tell which callers share a bucket, nor read a value back from a hash.
func (s *step) caller(x *pipeline.Exchange) (caller, error) {
	if s.per.Kind == All {
		return caller{}, nil
	}
	if !s.seeded {
		seed, err := sharedtable.Seed(s.store)
		if err != nil {
			return caller{}, err
		}
		shared := siphash.Key{binary.BigEndian.Uint64(seed[:]), binary.BigEndian.Uint64(seed[8:])}
		s.secret, s.seeded = siphash.Key(shared.Sum(string(s.identity[:]))), true
	}
	b := s.per.appendCaller(make([]byte, 0, usualCallerBytes), x)
	sum := s.secret.Sum(unsafe.String(unsafe.SliceData(b), len(b)))
	return caller{bucket: uint32(sum[1]), hash: sum[0]}, nil
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
