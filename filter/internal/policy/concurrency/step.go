package concurrency

import (
	"strconv"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

// MaxCalls bounds what can be configured.
const MaxCalls = 1_000_000

// retrySeconds is sent to a client that found no place: one may become free at
// any moment.
const retrySeconds = 1

// Kind says whose requests are counted together.
type Kind uint8

const (
	// API: all requests of the API.
	API Kind = iota
	// App: those of an app whose key was verified; requests without one share a
	// limit.
	App
)

// Options describe one limiter.
type Options struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	// ID tells this limiter from all others, and stays the same from one
	// configuration to the next.
	ID   string
	Most int // 1..MaxCalls
	Per  Kind
	// Report leaves in the exchange how many places are left.
	Report bool
}

// step is a limiter in one VM.
type step struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	id     string
	most   int64
	per    Kind
	report bool
	text   string
	limit  denial.Limit

	store  host.Store
	random func() uint64
	holder uint64 // this worker, 0 before the first request
	rooms  map[string]*room
	all    []*room // in the order in which they were first used
	held   int     // places that this worker has
	unsaid int     // rooms whose published count is not true
	latest int64   // the last reading of the clock, unix nanoseconds
}

// New makes the step and has it renew its leases. Options out of their bounds make
// one that refuses every request with denial.ConcurrentCallsUnavailable. It makes
// one Get and one Set when a request comes in, and again when it ends.
func New(o Options, ports *host.Ports) pipeline.Step {
	s := &step{
		id: o.ID, per: o.Per, report: o.Report, store: ports.Store, random: ports.Random, rooms: map[string]*room{},
		text: "ConcurrentRatelimit connection exceeded. Connection limit : " + strconv.Itoa(o.Most),
	}
	s.limit.Name = "concurrent-" + perWords[o.Per]
	s.limit.Policy = denial.ConcurrencyItem(s.limit.Name, o.Most)
	if o.Most >= 1 && o.Most <= MaxCalls {
		s.most = int64(o.Most)
	}
	ports.Peers.Join(s)
	return s
}

// Name implements pipeline.Step.
func (s *step) Name() string { return "concurrent_calls" }

// Apply implements pipeline.Step.
func (s *step) Apply(x *pipeline.Exchange) pipeline.Outcome {
	if s.most == 0 || x.Now <= 0 {
		return unavailable()
	}
	s.latest = x.Now
	r := s.room(x)
	free, err := r.enter(x.Now)
	if err != nil {
		return unavailable()
	}
	if free < 0 {
		return pipeline.Deny(denial.Denial{
			Reason:            denial.ConcurrentCallsExceeded,
			RetryAfterSeconds: retrySeconds,
			Text:              s.text,
			Limit:             &s.limit,
		})
	}
	x.Hold(r)
	if s.report {
		x.Allowances = append(x.Allowances, pipeline.Allowance{Limit: &s.limit, Remaining: int(free)})
	}
	return pipeline.Continue()
}

func unavailable() pipeline.Outcome {
	return pipeline.Deny(denial.Denial{Reason: denial.ConcurrentCallsUnavailable, RetryAfterSeconds: retrySeconds})
}

// room gives what the request is counted in. There are as many as apps whose keys
// are known, so that no client can make one.
func (s *step) room(x *pipeline.Exchange) *room {
	app := ""
	if s.per == App {
		app = x.Caller.App
	}
	r := s.rooms[app]
	if r == nil {
		for s.holder <= unknownHolder {
			s.holder = s.random()
		}
		r = newRoom(s, app)
		s.rooms[app] = r
		s.all = append(s.all, r)
	}
	return r
}

// key names a room in the host.
func (s *step) key(app string) string {
	return "concurrent_calls/1/" + sharedtable.Digest(perWords[s.per]+" "+string(jsonobject.AppendString(nil, s.id))+" "+app)
}

// Busy implements host.Background.
func (s *step) Busy() bool { return s.held > 0 || s.unsaid > 0 }

// Tick implements host.Background: it renews what is due, and publishes again
// what could not be published.
func (s *step) Tick(now int64) {
	s.latest = now
	if !s.Busy() {
		return
	}
	for _, r := range s.all {
		since := now - r.renewed
		if r.unsaid || r.held > 0 && (since < 0 || since >= int64(renewEvery)) {
			r.renew(now)
		}
	}
}

// Hear implements host.Background.
func (s *step) Hear([]byte, int64) {}

var (
	_ pipeline.Step   = (*step)(nil)
	_ host.Background = (*step)(nil)
)
