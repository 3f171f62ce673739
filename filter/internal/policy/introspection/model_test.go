package introspection

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/filter/internal/breaker"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/secret"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

func nothing() (modelAnswer, bool) { return modelAnswer{}, false }

// answer draws how the server answers a call, and what is to be noted of it.
func (w *modelWorld) answer(t *rapid.T) (a host.Answer, said func() (modelAnswer, bool), e breaker.Ending, hold time.Duration) {
	switch rapid.SampledFrom([]string{"active", "active", "active", "no exp", "inactive", "500", "500", "429", "unreachable", "garbage", "401"}).Draw(t, "answer") {
	case "inactive":
		return answered(200, `{"active":false}`), func() (modelAnswer, bool) { return modelAnswer{landed: w.now}, true }, breaker.Answered, 0
	case "500":
		return answered(500, ""), nothing, breaker.Failed, 0
	case "401":
		return answered(400, ""), nothing, breaker.Answered, 0
	case "garbage":
		return answered(200, "<html>"), nothing, breaker.Failed, 0
	case "unreachable":
		return host.Answer{Failure: host.Unreachable}, nothing, breaker.Failed, 0
	case "429":
		seconds := rapid.IntRange(1, 3).Draw(t, "hold")
		return answered(429, "", host.Header{Name: "retry-after", Value: strconv.Itoa(seconds)}), nothing, breaker.Limited, time.Duration(seconds) * time.Second
	case "no exp":
		return w.active(0)
	}
	return w.active(rapid.SampledFrom([]int{2, 4, 20}).Draw(t, "life"))
}

// active is an answer under a subject of its own, by which it is known again.
func (w *modelWorld) active(life int) (host.Answer, func() (modelAnswer, bool), breaker.Ending, time.Duration) {
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
	return answered(200, fmt.Sprintf(`{"active":true,"sub":%q%s}`, m.subject, exp)), func() (modelAnswer, bool) { return m, true }, breaker.Answered, 0
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
		Breaker: breaker.Breaker{Failures: modelFailures, FailurePercent: 100, MinCalls: 1000, Window: modelWindow, OpenFor: modelOpenFor, LongestOpen: 4 * modelOpenFor},
	}
}

// TestIntrospectionModel drives cache, flights and breaker of three VMs together.
func TestIntrospectionModel(t *testing.T) {
	seen := &modelTally{denied: map[denial.Reason]int{}}
	const rounds = 20 // of rapid's own number of runs
	for range rounds {
		rapid.Check(t, func(t *rapid.T) { playModel(t, seen) })
	}
	t.Logf("%+v", *seen)
	for what, n := range map[string]int{
		"admitted": seen.admitted, "admitted stale": seen.stale, "inactive": seen.inactive, "probes": seen.probes, "woken by others": seen.guests,
		"VMs lost": seen.deaths, "held": seen.denied[denial.IntrospectionRateLimited], "breaker open": seen.denied[denial.IntrospectionCircuitOpen],
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
