package introspection

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/filter/internal/fault"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection/outage"
	"github.com/sallyport-gateway/sallyport/filter/internal/secret"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

// The model: a proxy with some VMs, an authorization server that answers at random, messages that are lost, VMs that
// die, calls that the host forgets, and a plain account of what was said of each token and of how the server did. It is
// not told what the step decides, only held against it.

const (
	modelTick     = 250 * time.Millisecond
	modelTimeout  = 2 * time.Second
	modelDeadline = modelTimeout + 500*time.Millisecond // the gate's
	modelFailures = 3
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
	denied                                                       map[fault.Reason]int
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
	land      func(int64, pipeline.Answer)
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
	row    int // failures in a row
	open   bool
	closed time.Time // since when it is
	until  time.Time // no call before
	probe  *modelCall
	held   time.Time
}

func (w *modelWorld) boot(i int) {
	w.queues++
	v := &modelVM{world: w, queue: w.queues}
	v.step = New(w.o, Ports{
		Store: w.store, Dispatcher: v.dispatch, Metrics: pipeline.NoMetrics{}, Peers: v,
		Warn: func(string) {}, Random: func() uint64 { return uint64(v.queue) * 1e8 }, // the account knows the shortest time that the breaker is open
	})
	v.seq = pipeline.NewSequence(v.step)
	w.vms[i] = v
}

func (v *modelVM) Queue() (uint32, bool)    { return v.queue, true }
func (v *modelVM) Join(pipeline.Background) {}
func (v *modelVM) Tell(queue uint32, message []byte) {
	v.world.messages = append(v.world.messages, modelMessage{queue, slices.Clone(message)})
}

// dispatch takes a call, unless the account says that none may be made.
func (v *modelVM) dispatch(c pipeline.Callout, land func(int64, pipeline.Answer)) pipeline.Failure {
	w := v.world
	form, err := url.ParseQuery(string(c.Body))
	if err != nil {
		w.t.Fatalf("call with body %q: %v", c.Body, err)
	}
	if again := w.landing; again != nil && again.token == form.Get("token") && !again.retried {
		again.retried, again.land, again.timeout, again.tried = true, land, c.Timeout, w.now
		return pipeline.NoFailure
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
	return pipeline.NoFailure
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
func (s *modelServer) ended(w *modelWorld, c *modelCall, e outage.Ending, hold time.Duration) {
	if e == outage.Limited && w.now.Add(hold).After(s.held) {
		s.held = w.now.Add(hold)
	}
	if s.open {
		if c != s.probe {
			return
		}
		s.probe = nil
		if e == outage.Failed {
			s.until = w.now.Add(modelOpenFor / 2)
		} else {
			s.open, s.closed, s.row = false, w.now, 0
		}
		return
	}
	if c.sent.Before(s.closed) {
		return // from before the outage
	}
	switch e {
	case outage.Answered:
		s.row = 0
	case outage.Failed:
		if s.row++; s.row >= modelFailures {
			s.open, s.probe, s.until = true, nil, w.now.Add(modelOpenFor/2)
		}
	}
}

// arrive sends a request with a token to a VM.
func (v *modelVM) arrive(token string) {
	w := v.world
	x := &modelExchange{Exchange: withAuthorization("", "Bearer "+token), run: v.seq.Begin(), token: token, arrived: w.now}
	var advance func()
	advance = func() {
		if verdict := x.run.Advance(x.Exchange, w.now.UnixNano(), advance); verdict != pipeline.Parked {
			w.end(v, x, verdict)
		}
	}
	advance()
	if !x.ended {
		x.parked = true
		if a, ok := w.last(token); ok && a.subject != "" && w.now.Before(a.fresh) {
			w.t.Fatalf("a request with %s waits, and its answer of %s is good until %s", token, w.clock(a.landed), w.clock(a.fresh))
		}
		v.exchanges = append(v.exchanges, x)
	}
}

// last is the last answer that landed for a token.
func (w *modelWorld) last(token string) (modelAnswer, bool) {
	all := w.told[token]
	if len(all) == 0 {
		return modelAnswer{}, false
	}
	return all[len(all)-1], true
}

// end holds a verdict against the account.
func (w *modelWorld) end(v *modelVM, x *modelExchange, verdict pipeline.Verdict) {
	x.ended = true
	v.exchanges = slices.DeleteFunc(v.exchanges, func(have *modelExchange) bool { return have == x })
	if verdict == pipeline.Admitted {
		w.admitted(v, x)
		return
	}
	d := x.run.Denial()
	w.seen.denied[d.Reason]++
	switch {
	case d.Reason == fault.TokenInactive:
		w.seen.inactive++
		if !slices.ContainsFunc(w.told[x.token], func(a modelAnswer) bool {
			return a.subject == "" && (!a.landed.Before(x.arrived) || w.now.Before(a.landed.Add(w.o.NegativeTTL)))
		}) {
			w.t.Fatalf("%s was refused as inactive at %s: %s", x.token, w.clock(w.now), w.account(x.token))
		}
	case d.Reason.Status() == 401:
		w.t.Fatalf("%s was refused for %v", x.token, d.Reason)
	case d.Reason.Status() == 503 && d.RetryAfterSeconds < 1:
		w.t.Fatalf("%v without a time to come again", d.Reason)
	default:
		if a, ok := w.last(x.token); ok && a.subject != "" && w.now.Before(a.gone) && excusesStale(d.Reason) && d.Reason != fault.IntrospectionDeadline {
			w.t.Fatalf("%s was refused for %v at %s, and its answer is of use until %s", x.token, d.Reason, w.clock(w.now), w.clock(a.gone))
		}
	}
}

func (w *modelWorld) admitted(v *modelVM, x *modelExchange) {
	w.seen.admitted++
	told := w.told[x.token]
	i := slices.IndexFunc(told, func(a modelAnswer) bool { return x.Token != nil && a.subject != "" && a.subject == x.Token.Subject })
	if i < 0 {
		w.t.Fatalf("%s was admitted with claims %+v: %s", x.token, x.Token, w.account(x.token))
	}
	a := told[i]
	waited := !a.landed.Before(x.arrived)
	switch {
	case !a.exp.IsZero() && !w.now.Before(a.exp):
		w.t.Fatalf("%s was admitted at %s, past its exp: %s", x.token, w.clock(w.now), w.account(x.token))
	case waited || w.now.Before(a.fresh):
	case w.now.Before(a.gone) && w.o.StaleIfError > 0:
		w.seen.stale++
		if !w.excused(x) {
			w.t.Fatalf("%s was admitted at %s by the stale answer of %s, and nothing had failed: %s", x.token, w.clock(w.now), w.clock(a.landed), w.account(x.token))
		}
	default:
		w.t.Fatalf("%s was admitted at %s by the answer of %s, which is of no use any more: %s", x.token, w.clock(w.now), w.clock(a.landed), w.account(x.token))
	}
	for _, later := range told[i+1:] {
		if later.subject != "" || waited && later.landed.Sub(a.landed) <= modelTick {
			continue
		}
		if bound := later.landed.Add(RecheckEvery); later.vm == v || !w.now.Before(bound) {
			w.t.Fatalf("%s was admitted at %s by the answer of %s, and was revoked at %s: %s",
				x.token, w.clock(w.now), w.clock(a.landed), w.clock(later.landed), w.account(x.token))
		}
	}
}

// excused reports whether there may be no new answer for an exchange: no call was to be made when it came, or the one
// that it waited for failed.
func (w *modelWorld) excused(x *modelExchange) bool {
	if w.troubled { // places for calls may be lost for a while
		return true
	}
	if !x.parked {
		return w.server.open || w.now.Before(w.server.held) || w.inTheAir() > 0 // one is enough on the way back
	}
	failed, ok := w.failed[x.token]
	return ok && !failed.Before(x.arrived)
}

func (w *modelWorld) account(token string) (text string) {
	for _, a := range w.told[token] {
		text += fmt.Sprintf(" [%s: %q, fresh to %s, of use to %s]", w.clock(a.landed), a.subject, w.clock(a.fresh), w.clock(a.gone))
	}
	return "told" + text
}

// land ends a call of a VM with an answer, and notes what it says.
func (v *modelVM) land(c *modelCall, a pipeline.Answer, said func() (modelAnswer, bool), e outage.Ending, hold time.Duration) {
	w := v.world
	before := c.land
	again := w.o.Retry && !c.probe && !c.retried
	if again {
		w.landing = c
	}
	defer func() { w.landing = nil }()
	if _, retry := outage.RetryWithin(a.Failure, w.now.Sub(c.sent), modelTimeout); again && retry {
		before(w.now.UnixNano(), a)
		if !c.retried {
			w.t.Fatalf("a call of %s was not tried again", w.clock(c.sent))
		}
		return
	}
	v.calls = slices.DeleteFunc(v.calls, func(have *modelCall) bool { return have == c })
	w.server.ended(w, c, e, hold)
	if answer, ok := said(); ok {
		answer.vm = v
		w.told[c.token] = append(w.told[c.token], answer)
	} else if e == outage.Failed || e == outage.Limited {
		w.failed[c.token] = w.now
	}
	before(w.now.UnixNano(), a)
	w.landing = nil
	w.deliver()
}

// deliver wakes the VMs that were told of the end of a call.
func (w *modelWorld) deliver() {
	for len(w.messages) > 0 {
		m := w.messages[0]
		w.messages = w.messages[1:]
		if w.trouble && rapid.IntRange(0, 3).Draw(w.t, "message") == 0 {
			w.troubled = true
			continue
		}
		for _, v := range w.vms {
			if v.queue == m.queue {
				w.seen.guests++
				v.step.Hear(m.text, w.now.UnixNano())
			}
		}
	}
}

// tick lets a moment pass: calls time out, VMs tick, and the gate's deadlines are kept.
func (w *modelWorld) tick(d time.Duration) {
	w.now = w.now.Add(d)
	for _, v := range w.vms {
		for _, c := range slices.Clone(v.calls) {
			switch {
			case c.forgotten && !w.now.Before(c.sent.Add(modelTimeout+callLease)):
				v.calls = slices.DeleteFunc(v.calls, func(have *modelCall) bool { return have == c })
			case !c.forgotten && !w.now.Before(c.tried.Add(c.timeout)):
				v.land(c, pipeline.Answer{Failure: pipeline.TimedOut}, nothing, outage.Failed, 0)
			}
		}
		v.step.Tick(w.now.UnixNano())
		for _, x := range slices.Clone(v.exchanges) {
			if x.ended || w.now.Before(x.arrived.Add(modelDeadline)) {
				continue
			}
			w.seen.deadlines++
			if !w.troubled {
				w.t.Fatalf("a request of %s waits still at %s, and nothing was lost", w.clock(x.arrived), w.clock(w.now))
			}
			x.run.Fail(fault.Denial{Reason: fault.IntrospectionDeadline, RetryAfterSeconds: 5})
			x.ended = true
			v.exchanges = slices.DeleteFunc(v.exchanges, func(have *modelExchange) bool { return have == x })
		}
	}
}

func nothing() (modelAnswer, bool) { return modelAnswer{}, false }

// answer draws how the server answers a call, and what is to be noted of it.
func (w *modelWorld) answer(t *rapid.T) (a pipeline.Answer, said func() (modelAnswer, bool), e outage.Ending, hold time.Duration) {
	switch rapid.SampledFrom([]string{"active", "active", "active", "no exp", "inactive", "500", "500", "429", "unreachable", "garbage", "401"}).Draw(t, "answer") {
	case "inactive":
		return answered(200, `{"active":false}`), func() (modelAnswer, bool) { return modelAnswer{landed: w.now}, true }, outage.Answered, 0
	case "500":
		return answered(500, ""), nothing, outage.Failed, 0
	case "401":
		return answered(400, ""), nothing, outage.Answered, 0
	case "garbage":
		return answered(200, "<html>"), nothing, outage.Failed, 0
	case "unreachable":
		return pipeline.Answer{Failure: pipeline.Unreachable}, nothing, outage.Failed, 0
	case "429":
		seconds := rapid.IntRange(1, 3).Draw(t, "hold")
		return answered(429, "", pipeline.Header{Name: "retry-after", Value: strconv.Itoa(seconds)}), nothing, outage.Limited, time.Duration(seconds) * time.Second
	case "no exp":
		return w.active(0)
	}
	return w.active(rapid.SampledFrom([]int{2, 4, 20}).Draw(t, "life"))
}

// active is an answer under a subject of its own, by which it is known again.
func (w *modelWorld) active(life int) (pipeline.Answer, func() (modelAnswer, bool), outage.Ending, time.Duration) {
	w.subjects++
	m := modelAnswer{subject: fmt.Sprintf("answer-%d", w.subjects), landed: w.now}
	keep, exp := w.o.CacheMaxTTL, ""
	if life == 0 {
		keep = min(keep, w.o.TTLWithoutExp)
	} else {
		m.exp = time.Unix(w.now.Unix()+int64(life), 0)
		exp = fmt.Sprintf(`,"exp":%d`, m.exp.Unix())
	}
	notPast := func(t time.Time) time.Time {
		if !m.exp.IsZero() && m.exp.Before(t) {
			return m.exp
		}
		return t
	}
	m.fresh = notPast(w.now.Add(keep))
	if m.gone = m.fresh; m.fresh.After(w.now) {
		m.gone = notPast(m.fresh.Add(w.o.StaleIfError))
	} else {
		w.troubled = true // it is for those who waited in one VM: the others ask again, late
	}
	return answered(200, fmt.Sprintf(`{"active":true,"sub":%q%s}`, m.subject, exp)), func() (modelAnswer, bool) { return m, true }, outage.Answered, 0
}

// pick draws one of the calls that can still end.
func (w *modelWorld) pick(t *rapid.T) (v *modelVM, c *modelCall) {
	var vms []*modelVM
	var calls []*modelCall
	for _, v := range w.vms {
		for _, c := range v.calls {
			if !c.forgotten {
				vms, calls = append(vms, v), append(calls, c)
			}
		}
	}
	if len(calls) == 0 {
		t.Skip("no call in the air")
	}
	i := rapid.IntRange(0, len(calls)-1).Draw(t, "call")
	return vms[i], calls[i]
}

func drawModelOptions(t *rapid.T) Options {
	seconds := func(name string, of ...int) time.Duration {
		return time.Duration(rapid.SampledFrom(of).Draw(t, name)) * time.Second
	}
	return Options{
		Cluster: "okta", Authority: "idp.example", Path: "/introspect", ClientID: "gateway", Secret: secret.New("s3cret"), Timeout: modelTimeout,
		CacheMaxTTL: seconds("max_ttl", 1, 5), CacheEntries: 2, SharedEntries: 64, TTLWithoutExp: seconds("ttl_without_exp", 0, 2),
		NegativeTTL: seconds("negative_ttl", 1, 5), StaleIfError: seconds("stale_if_error", 0, 10), RefreshAhead: seconds("refresh_ahead", 0, 1, 4),
		Retry: rapid.Bool().Draw(t, "retry"), MaxInFlight: rapid.IntRange(2, 4).Draw(t, "max_in_flight"),
		Breaker: outage.Breaker{Failures: modelFailures, FailurePercent: 100, MinCalls: 1000, Window: time.Minute, OpenFor: modelOpenFor, LongestOpen: 4 * modelOpenFor},
	}
}

// TestIntrospectionModel drives cache, flights and breaker of three VMs together.
func TestIntrospectionModel(t *testing.T) {
	seen := &modelTally{denied: map[fault.Reason]int{}}
	const rounds = 20 // of rapid's own number of runs
	for range rounds {
		rapid.Check(t, func(t *rapid.T) { playModel(t, seen) })
	}
	t.Logf("%+v", *seen)
	for what, n := range map[string]int{
		"admitted": seen.admitted, "admitted stale": seen.stale, "inactive": seen.inactive, "probes": seen.probes, "woken by others": seen.guests,
		"VMs lost": seen.deaths, "held": seen.denied[fault.IntrospectionRateLimited], "breaker open": seen.denied[fault.IntrospectionCircuitOpen],
	} {
		if n == 0 && !testing.Short() {
			t.Errorf("nothing was %s: the test shows nothing of it", what)
		}
	}
}

// playModel is one run.
func playModel(t *rapid.T, seen *modelTally) {
	w := &modelWorld{t: t, o: drawModelOptions(t), store: memstore.New(nil), now: start, vms: make([]*modelVM, 3), told: map[string][]modelAnswer{}, failed: map[string]time.Time{}, seen: seen}
	w.server.closed = start
	for i := range w.vms {
		w.boot(i)
	}
	w.trouble = rapid.Bool().Draw(t, "trouble")
	actions := map[string]func(*rapid.T){
		"arrive": func(t *rapid.T) {
			rapid.SampledFrom(w.vms).Draw(t, "vm").arrive(rapid.SampledFrom([]string{"a", "a", "a", "b", "c"}).Draw(t, "token"))
		},
		"many arrive": func(*rapid.T) {
			for range 3 {
				for _, v := range w.vms {
					v.arrive("a")
				}
			}
		},
		"answer": func(t *rapid.T) {
			v, c := w.pick(t)
			a, said, e, hold := w.answer(t)
			v.land(c, a, said, e, hold)
		},
		"moment": func(t *rapid.T) { w.tick(time.Duration(rapid.IntRange(0, 250).Draw(t, "ms")) * time.Millisecond) },
		"while": func(t *rapid.T) {
			for range rapid.IntRange(1, 12).Draw(t, "ticks") {
				w.tick(modelTick)
			}
		},
	}
	if w.trouble {
		actions["forget"] = func(t *rapid.T) {
			_, c := w.pick(t)
			c.forgotten, w.troubled = true, true
		}
		actions["die"] = func(t *rapid.T) {
			if rapid.IntRange(0, 3).Draw(t, "perhaps") > 0 {
				return
			}
			seen.deaths++
			w.troubled = true
			w.boot(rapid.IntRange(0, len(w.vms)-1).Draw(t, "vm"))
		}
	}
	for range 2 {
		t.Repeat(actions)
	}
	for range int(2 * modelDeadline / modelTick) {
		w.tick(modelTick)
	}
	for _, v := range w.vms {
		if len(v.exchanges) != 0 {
			t.Fatalf("%d requests wait for ever", len(v.exchanges))
		}
	}
}
