package introspection

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/filter/internal/breaker"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

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
	case d.Reason == denial.TokenInactive:
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
		if a, ok := w.last(x.token); ok && a.subject != "" && w.now.Before(a.gone) && excusesStale(d.Reason) && d.Reason != denial.IntrospectionDeadline {
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
func (v *modelVM) land(c *modelCall, a host.Answer, said func() (modelAnswer, bool), e breaker.Ending, hold time.Duration) {
	w := v.world
	before := c.land
	again := w.o.Retry && !c.probe && !c.retried
	if again {
		w.landing = c
	}
	defer func() { w.landing = nil }()
	if _, retry := breaker.RetryWithin(a.Failure, w.now.Sub(c.sent), modelTimeout); again && retry {
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
	} else if e == breaker.Failed || e == breaker.Limited {
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

// tick lets a moment pass: calls time out, VMs tick, and the engine's deadlines are kept.
func (w *modelWorld) tick(d time.Duration) {
	w.now = w.now.Add(d)
	for _, v := range w.vms {
		for _, c := range slices.Clone(v.calls) {
			switch {
			case c.forgotten && !w.now.Before(c.sent.Add(modelTimeout+callLease)):
				v.calls = slices.DeleteFunc(v.calls, func(have *modelCall) bool { return have == c })
			case !c.forgotten && !w.now.Before(c.tried.Add(c.timeout)):
				v.land(c, host.Answer{Failure: host.TimedOut}, nothing, breaker.Failed, 0)
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
			x.run.Fail(denial.Denial{Reason: denial.IntrospectionDeadline, RetryAfterSeconds: 5})
			x.ended = true
			v.exchanges = slices.DeleteFunc(v.exchanges, func(have *modelExchange) bool { return have == x })
		}
	}
}
