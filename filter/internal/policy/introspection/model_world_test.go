package introspection

import (
	"net/url"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/filter/internal/breaker"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

// The model: a proxy with some VMs, an authorization server that answers at random, messages that are lost, VMs that
// die, calls that the host forgets, and a plain account of what was said of each token and of how the server did. It is
// not told what the step decides, only held against it.

const (
	modelTick     = 250 * time.Millisecond
	modelTimeout  = 2 * time.Second
	modelDeadline = modelTimeout + 500*time.Millisecond // the engine's
	modelFailures = 2
	modelWindow   = time.Minute
	modelOpenFor  = time.Second
)

// modelWorld is the proxy and the account.
type modelWorld struct {
	t        *rapid.T
	o        Options
	store    *memstore.Store
	now      time.Time
	vms      []*modelVM
	queues   uint32
	messages []modelMessage
	told     map[string][]modelAnswer // by token, in the order in which they landed
	failed   map[string]time.Time     // when the server last failed to answer for a token
	subjects int
	trouble  bool // VMs may die, and calls and messages may be lost
	troubled bool // one was, or something else may make requests wait for long
	landing  *modelCall
	server   modelServer
	seen     *modelTally
}

// modelTally is what happened over all runs, to see that the test has met it.
type modelTally struct {
	admitted, stale, inactive, probes, guests, deaths, deadlines int
	denied                                                       map[denial.Reason]int
}

type modelMessage struct {
	queue uint32
	text  []byte
}

// modelVM is one worker.
type modelVM struct {
	world     *modelWorld
	queue     uint32
	step      *Step
	seq       *pipeline.Sequence
	calls     []*modelCall // in the air
	exchanges []*modelExchange
}

type modelCall struct {
	token     string
	sent      time.Time // the first try
	forgotten bool
	retried   bool
	land      func(int64, host.Answer)
	timeout   time.Duration
	tried     time.Time
	probe     bool
}

type modelExchange struct {
	*pipeline.Exchange
	run     *pipeline.Run
	token   string
	arrived time.Time
	parked  bool
	ended   bool
}

// modelAnswer is a definitive answer.
type modelAnswer struct {
	vm          *modelVM
	subject     string // "" of an inactive token
	landed      time.Time
	fresh, gone time.Time // ends
	exp         time.Time // zero for none
}

// modelServer is what is known of how the server does: the breaker and the hold, told plainly.
type modelServer struct {
	row    int             // failures in a row
	failed map[string]bool // the tokens of those that counted in this row or window
	window time.Time       // its end
	open   bool
	closed time.Time // since when it is
	until  time.Time // no call before
	probe  *modelCall
	held   time.Time
}

func (w *modelWorld) boot(i int) {
	w.queues++
	v := &modelVM{world: w, queue: w.queues}
	v.step = New(w.o, host.Ports{
		Store: w.store, Dispatcher: v.dispatch, Metrics: host.NoMetrics{}, Peers: v,
		Warn: func(string) {}, Random: func() uint64 { return uint64(v.queue) * 1e8 }, // the account knows the shortest time that the breaker is open
	})
	v.seq = pipeline.NewSequence(v.step)
	w.vms[i] = v
}

func (v *modelVM) Queue() (uint32, bool) { return v.queue, true }
func (v *modelVM) Join(host.Background)  {}
func (v *modelVM) Tell(queue uint32, message []byte) {
	v.world.messages = append(v.world.messages, modelMessage{queue, slices.Clone(message)})
}

// dispatch takes a call, unless the account says that none may be made.
func (v *modelVM) dispatch(c host.Callout, land func(int64, host.Answer)) host.Failure {
	w := v.world
	form, err := url.ParseQuery(string(c.Body))
	if err != nil {
		w.t.Fatalf("call with body %q: %v", c.Body, err)
	}
	if again := w.landing; again != nil && again.token == form.Get("token") && !again.retried {
		again.retried, again.land, again.timeout, again.tried = true, land, c.Timeout, w.now
		return host.NoFailure
	}
	call := &modelCall{token: form.Get("token"), sent: w.now, tried: w.now, land: land, timeout: c.Timeout}
	for _, other := range w.vms {
		for _, have := range other.calls {
			if have.token == call.token && !have.forgotten {
				w.t.Fatalf("a second call for %s, at %s, beside that of %s", call.token, w.clock(w.now), w.clock(have.sent))
			}
		}
	}
	if n := w.inTheAir(); n > w.o.MaxInFlight { // and one probe
		w.t.Fatalf("%d calls in the air", n)
	}
	w.server.sent(w, call)
	v.calls = append(v.calls, call)
	return host.NoFailure
}

func (w *modelWorld) inTheAir() (n int) {
	for _, v := range w.vms {
		n += len(v.calls)
	}
	return n
}

func (w *modelWorld) clock(t time.Time) string { return t.Sub(start).String() }

func (s *modelServer) sent(w *modelWorld, c *modelCall) {
	if w.now.Before(s.held) {
		w.t.Fatalf("a call at %s, and all are held until %s", w.clock(w.now), w.clock(s.held))
	}
	if !s.open {
		return
	}
	if w.now.Before(s.until) {
		w.t.Fatalf("a call at %s, and the breaker is open until %s", w.clock(w.now), w.clock(s.until))
	}
	if s.probe != nil && w.now.Before(s.probe.sent.Add(modelTimeout+callLease)) {
		w.t.Fatalf("a second probe at %s, after that of %s", w.clock(w.now), w.clock(s.probe.sent))
	}
	s.probe, c.probe = c, true
	w.seen.probes++
}

// ended notes what a call came to.
func (s *modelServer) ended(w *modelWorld, c *modelCall, e breaker.Ending, hold time.Duration) {
	if e == breaker.Limited && w.now.Add(hold).After(s.held) {
		s.held = w.now.Add(hold)
	}
	if s.open {
		if c != s.probe {
			return
		}
		s.probe = nil
		if e == breaker.Failed {
			s.until = w.now.Add(modelOpenFor / 2)
		} else {
			s.open, s.closed, s.row, s.failed, s.window = false, w.now, 0, nil, time.Time{}
		}
		return
	}
	if c.sent.Before(s.closed) {
		return // from before the outage
	}
	if e != breaker.Answered && e != breaker.Failed {
		return
	}
	if !w.now.Before(s.window) {
		s.window = w.now.Add(modelWindow)
		if s.row == 0 {
			s.failed = nil
		}
	}
	switch {
	case e == breaker.Answered:
		s.row = 0
	case !s.failed[c.token]:
		if s.failed == nil {
			s.failed = map[string]bool{}
		}
		s.failed[c.token] = true
		if s.row++; s.row >= modelFailures {
			s.open, s.probe, s.until = true, nil, w.now.Add(modelOpenFor/2)
		}
	}
}
