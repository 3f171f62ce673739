package quota

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/sallyport-gateway/sallyport/filter/internal/breaker"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

// service is envoyproxy/ratelimit: a count for each descriptor and span. Its calls
// land when the test says so.
type service struct {
	now    time.Time // by its own clock
	counts map[string]int64
	calls  []call
	down   bool   // calls fail when they land
	absent bool   // calls are refused at once
	knows  string // the domain that it has limits in; "" for all
	flying []func()
}

// call is what the service was asked.
type call struct {
	key         string
	limit, unit uint64
	hits        int64
}

var spans = map[uint64]int64{2: 60, 3: 3600, 4: 86400, 5: 30 * 86400, 6: 365 * 86400, 7: 7 * 86400}

func (s *service) dispatch(c host.GRPCCall, land func(int64, host.GRPCAnswer)) bool {
	if s.absent {
		return false
	}
	got := decodeInquiry(c.Message)
	s.flying = append(s.flying, func() {
		if s.down {
			land(s.now.UnixNano(), host.GRPCAnswer{})
			return
		}
		s.calls = append(s.calls, got)
		if !strings.HasPrefix(got.key, s.knows) {
			land(s.now.UnixNano(), host.GRPCAnswer{OK: true, Message: replyBytes(1, []byte{8, 1})})
			return
		}
		span := spans[got.unit]
		at := s.now.Unix()
		key := got.key + strconv.FormatInt(at/span*span, 10)
		s.counts[key] += got.hits
		code, left := uint64(1), int64(got.limit)-s.counts[key]
		if left < 0 {
			code, left = 2, 0
		}
		land(s.now.UnixNano(), host.GRPCAnswer{OK: true, Message: replyBytes(code, statusBytes(code, uint64(left), uint64(span-at%span)))})
	})
	return true
}

// deliver lets every call land, those that are made meanwhile too.
func (s *service) deliver() {
	for len(s.flying) > 0 {
		first := s.flying[0]
		s.flying = s.flying[1:]
		first()
	}
}

// decodeInquiry reads a RateLimitRequest with Google's reader, with its key as the
// service makes it.
func decodeInquiry(b []byte) (c call) {
	var descriptor []byte
	key := ""
	each(b, func(n protowire.Number, bytes []byte, v uint64) {
		switch n {
		case 1:
			key = string(bytes) + "_"
		case 2:
			descriptor = bytes
		}
	})
	each(descriptor, func(n protowire.Number, bytes []byte, v uint64) {
		switch n {
		case 1:
			each(bytes, func(_ protowire.Number, text []byte, _ uint64) { key += string(text) + "_" })
		case 2:
			each(bytes, func(n protowire.Number, _ []byte, v uint64) {
				if n == 1 {
					c.limit = v
				} else {
					c.unit = v
				}
			})
		case 3:
			each(bytes, func(_ protowire.Number, _ []byte, v uint64) { c.hits = int64(v) })
		}
	})
	c.key = key
	return c
}

func each(b []byte, f func(n protowire.Number, bytes []byte, v uint64)) {
	for len(b) > 0 {
		n, wire, size := protowire.ConsumeTag(b)
		b = b[size:]
		if wire == protowire.BytesType {
			value, size := protowire.ConsumeBytes(b)
			f(n, value, 0)
			b = b[size:]
			continue
		}
		value, size := protowire.ConsumeVarint(b)
		f(n, nil, value)
		b = b[size:]
	}
}

// world is some Envoys with one engine, each with workers that share data.
type world struct {
	t       testing.TB
	engine  *service
	now     time.Time
	metrics counters
	steps   []*step
	lines   []string // of the log
}

type counters map[string]int64

func (c counters) Count(m string)                { c[m]++ }
func (c counters) Add(m string, n int64)         { c[m] += n }
func (counters) Gauge(string, int64)             {}
func (counters) Observe(string, int64)           {}
func (counters) Counter(string) host.Counter     { return host.NoMetrics{}.Counter("") }
func (counters) Histogram(string) host.Histogram { return host.NoMetrics{}.Histogram("") }

func newWorld(t testing.TB) *world {
	return &world{t: t, now: noon, engine: &service{now: noon, counts: map[string]int64{}}, metrics: counters{}}
}

func (w *world) advance(d time.Duration) {
	w.now, w.engine.now = w.now.Add(d), w.engine.now.Add(d)
}

// worker is a step in a VM.
func (w *world) worker(o Options, store *memstore.Store) *step {
	s := New(o, host.Ports{Store: store, GRPC: w.engine.dispatch, Metrics: w.metrics, Now: func() int64 { return w.now.UnixNano() },
		Warn: func(line string) { w.lines = append(w.lines, line) }}).(*step)
	w.steps = append(w.steps, s)
	return s
}

// options are a limit of so many in an hour.
func options(mode Mode, limit int64) Options {
	return Options{
		Name: "default", Terms: Terms{Limit: limit, Interval: uint8(Hour)}, Per: App, Weight: 1, Mode: mode,
		Engine: Engine{
			Cluster: "ratelimit", Domain: "sallyport", Timeout: time.Second, MaxInFlight: 100, Batch: 10, SyncInterval: time.Second,
			Breaker: breaker.Breaker{Failures: 3, FailurePercent: 100, MinCalls: 1000, Window: time.Second, OpenFor: time.Second, LongestOpen: time.Second},
		},
	}
}

func exchange(w *world, app string) *pipeline.Exchange {
	return &pipeline.Exchange{Now: w.now.UnixNano(), Caller: pipeline.Caller{App: app}}
}

// pending is a request and what has become of it so far.
type pending struct {
	x *pipeline.Exchange
	o pipeline.Outcome
}

func (w *world) send(s *step, app string) *pending {
	x := exchange(w, app)
	return &pending{x, s.Apply(x)}
}

// result is "continue", a reason's word, or "waits".
func (p *pending) result() string {
	if f := p.o.Flight(); f != nil && f.Landed() {
		p.o = p.o.Resume(p.x)
	}
	switch d, denied := p.o.Denial(); {
	case p.o.Continues():
		return "continue"
	case denied:
		return d.Reason.String()
	}
	return "waits"
}

// one sends a request and has its call land.
func (w *world) one(s *step, app string) string {
	p := w.send(s, app)
	w.settle([]*pending{p})
	return p.result()
}

// count sends n requests at once and counts the results.
func (w *world) burst(n int, app string, steps ...*step) map[string]int {
	var all []*pending
	for i := range n {
		all = append(all, w.send(steps[i%len(steps)], app))
	}
	w.settle(all)
	results := map[string]int{}
	for _, p := range all {
		results[p.result()]++
	}
	return results
}

// settle has calls land and requests go on until nothing moves.
func (w *world) settle(all []*pending) {
	for moved := true; moved; {
		w.engine.deliver()
		moved = false
		for _, p := range all {
			before := p.o.Flight()
			p.result()
			moved = moved || before != p.o.Flight()
		}
		for _, s := range w.steps {
			if !moved && s.engine != nil {
				for _, d := range s.engine.desks {
					moved = moved || len(d.late) > 0
				}
				s.engine.Tick(w.now.UnixNano())
				moved = moved || len(w.engine.flying) > 0
			}
		}
	}
}

func (w *world) want(got, want string) {
	w.t.Helper()
	if got != want {
		w.t.Errorf("got %s, want %s", got, want)
	}
}

const passes, over, missing = "continue", "quota.exceeded", "quota.unavailable"

// keysOf are the engine's keys.
func (s *service) keys() string {
	var keys []string
	for k := range s.counts {
		keys = append(keys, k)
	}
	return strings.Join(keys, " ")
}

var _ = denial.Internal
