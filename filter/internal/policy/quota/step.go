package quota

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sha256"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
	"github.com/sallyport-gateway/sallyport/filter/internal/siphash"
)

// unavailableRetrySeconds is the Retry-After when nothing could be decided.
const unavailableRetrySeconds = 1

// violation is the text of Apigee's fault, without the identifier that it shows.
const violation = "Rate limit quota violation. Quota limit exceeded."

// step is a quota in one VM.
type step struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	options  Options
	ports    host.Ports
	identity [sha256.Size]byte
	table    *sharedtable.Table
	engine   *engine // nil in local mode
	near     near

	own      terms
	products map[string]terms // by name, those that have their own

	secret siphash.Key // from the shared seed and the identity, with the first request that needs it
	seeded bool
}

// New makes the step. Without a limit for a request's party it refuses with
// denial.QuotaUnavailable. A step belongs to one VM: it is not safe for
// concurrent use. In local mode it makes one Get and one Set for a request that
// passes, one Get for one that is refused.
func New(o Options, p host.Ports) pipeline.Step {
	s := &step{options: o, ports: p.WithDefaults()}
	b := appendValue(nil, o.Name)
	b = append(b, byte(o.Per), byte(o.IPv6Prefix))
	if o.Mode != Local {
		b = appendValue(appendValue(append(b, 'e'), o.Engine.Cluster), o.Engine.Domain)
	}
	s.identity = sha256.Sum256(b)
	s.table = sharedtable.New(s.ports.Store, sharedtable.Layout{
		Name:      "quota/1/" + ascii.Hex(s.identity[:sha256.Size/2]),
		Buckets:   Buckets,
		Entries:   1 + PartiesPerBucket,
		EntrySize: entrySize,
	})
	s.near = newNear(o.Name, s.ports.Metrics)
	if o.Mode != Local {
		s.engine = newEngine(s)
		s.ports.Peers.Join(s.engine)
	}
	s.own, s.products = s.made(o.Terms), map[string]terms{}
	for name, own := range o.Products {
		s.products[name] = s.made(own)
	}
	return s
}

// Name implements pipeline.Step.
func (s *step) Name() string { return "quota" }

// terms are those of the request's product, else the step's own.
func (s *step) terms(x *pipeline.Exchange) terms {
	if own, ok := s.products[x.Caller.Product]; ok {
		return own
	}
	return s.own
}

// Apply implements pipeline.Step.
func (s *step) Apply(x *pipeline.Exchange) pipeline.Outcome {
	t := s.terms(x)
	if !t.usable(x.Now) {
		return unavailable()
	}
	who, err := s.party(x, &t)
	if err != nil {
		return unavailable()
	}
	switch s.options.Mode {
	case Exact:
		return s.engine.exact(x, t, who)
	case Reconciled:
		return s.engine.reconciled(x, t, who)
	}
	return s.local(x, &t, who)
}

func (s *step) local(x *pipeline.Exchange, t *terms, who party) pipeline.Outcome {
	var got answer
	var after account
	err := s.update(who, t, x.Now, func(a *account, kept bool) bool {
		got = exceeded
		if kept {
			got = a.spend(t.limit, s.options.Weight)
		}
		after = *a
		return got == admitted
	})
	if err != nil {
		return unavailable()
	}
	if got != admitted {
		return t.violated(after.end, x.Now)
	}
	return s.admit(x, t, after.known, after.end, s.options.Weight)
}

// admit lets a request pass; spent includes it, in a window that ends at end, in
// unix seconds, and of it last were counted now.
func (s *step) admit(x *pipeline.Exchange, t *terms, spent, end, last int64) pipeline.Outcome {
	s.near.note(s, x, t, spent, last)
	if s.options.Report {
		x.Allowances = append(x.Allowances, pipeline.Allowance{
			Limit: t.told, Remaining: int(max(0, t.limitAt(x.Now/nanosPerSecond)-spent)), Seconds: secondsTo(end, x.Now),
		})
	}
	return pipeline.Continue()
}

func secondsTo(end, now int64) int { return int(max(1, end-now/nanosPerSecond)) }

// update runs change on the party's account, as often as sharedtable.Table.Update
// does, and keeps it when that says so. A party for whom there is no room has one
// that is not kept.
//
//go:noinline
func (s *step) update(who party, t *terms, now int64, change func(a *account, kept bool) (write bool)) error {
	return s.table.Update(who.bucket, func(b sharedtable.Bucket) bool {
		a, entry, changed := open(b, who.hash, t, s.engine != nil, now)
		if entry == nil {
			a.enter(t, now)
			change(&a, false)
			return false
		}
		if !change(&a, true) && !changed {
			return false
		}
		a.encode(entry, who.hash)
		return true
	})
}

//go:noinline
func unavailable() pipeline.Outcome {
	return pipeline.Deny(denial.Denial{
		Reason:            denial.QuotaUnavailable,
		RetryAfterSeconds: unavailableRetrySeconds,
	})
}

// violated refuses until a window ends, in unix seconds.
//
//go:noinline
func (t *terms) violated(end, now int64) pipeline.Outcome {
	return pipeline.Deny(denial.Denial{
		Reason:            denial.QuotaExceeded,
		RetryAfterSeconds: secondsTo(end, now),
		Text:              violation,
		Limit:             t.told,
	})
}

var _ pipeline.Step = (*step)(nil)
