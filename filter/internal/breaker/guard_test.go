package breaker

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

func TestFailuresInARowOpenTheBreakerForAllWorkers(t *testing.T) {
	w := newWorld(2, usual(), nil)
	w.fail(t, 0, 2)
	w.done(1, w.mustAdmit(t, 1), Answered)
	w.fail(t, 0, 2)
	w.done(1, w.mustAdmit(t, 1), Failed)
	for worker := range w.guards {
		w.mustRefuse(t, worker, circuitOpen(1))
	}
	if w.gauges[breakerGauge] != 2 || len(w.lines) != 1 || !strings.Contains(w.lines[0], "cluster okta failed 3 times in a row, 5 of 6 calls in all: the circuit breaker is open for 500ms") {
		t.Errorf("gauge %d, lines %q", w.gauges[breakerGauge], w.lines)
	}
}

func TestAFailureRatioOpensTheBreaker(t *testing.T) {
	w := newWorld(1, usual(), nil)
	for range 5 {
		w.done(0, w.mustAdmit(t, 0), Answered)
		w.fail(t, 0, 1)
	}
	w.mustRefuse(t, 0, circuitOpen(1))

	w = newWorld(1, usual(), nil)
	for i := range 100 { // four of ten, in every window
		w.done(0, w.mustAdmit(t, 0), []Ending{Failed, Answered, Failed, Answered, Answered}[i%5])
		w.pass(time.Second)
	}
}

func TestOneProbeOfAllWorkersIsLetThrough(t *testing.T) {
	w := newWorld(3, usual(), nil)
	w.fail(t, 0, 3)
	w.pass(500*time.Millisecond - 1)
	w.mustRefuse(t, 1, circuitOpen(1))
	w.pass(1)
	probe := w.mustAdmit(t, 1)
	if !probe.Probe() || w.gauges[breakerGauge] != 1 {
		t.Errorf("%+v, gauge %d", probe, w.gauges[breakerGauge])
	}
	for worker := range w.guards {
		w.mustRefuse(t, worker, circuitOpen(3))
	}
	w.done(1, probe, Answered)
	// Now one call at a time, then two, then all.
	first := w.mustAdmit(t, 2)
	w.mustRefuse(t, 0, full())
	w.done(2, first, Answered)
	second, third := w.mustAdmit(t, 0), w.mustAdmit(t, 1)
	w.mustRefuse(t, 2, full())
	w.done(0, second, Answered)
	w.done(1, third, Answered)
	for range usual().MaxInFlight {
		w.mustAdmit(t, 0)
	}
	w.mustRefuse(t, 0, full())
	if w.gauges[breakerGauge] != 0 || len(w.lines) != 2 || !strings.HasSuffix(w.lines[1], "works again: the circuit breaker is closed") {
		t.Errorf("gauge %d, lines %q", w.gauges[breakerGauge], w.lines)
	}
}

func TestEachProbeThatFailsDoublesTheTimeUpToItsBound(t *testing.T) {
	for _, tt := range []struct {
		name   string
		random uint64
		want   []time.Duration
	}{
		{"the shortest", 0, []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 4 * time.Second}},
		{"the longest", 500_000_000, []time.Duration{time.Second}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(1, usual(), nil)
			w.random = tt.random
			w.fail(t, 0, 3)
			for i, want := range tt.want {
				w.pass(want - 1)
				if _, _, ok := w.admit(0); ok {
					t.Fatalf("admitted before time %d, %v, was over", i, want)
				}
				w.pass(1)
				w.fail(t, 0, 1)
			}
		})
	}
}

func TestALostProbeIsReplacedWhenItsLeaseIsOver(t *testing.T) {
	w := newWorld(2, usual(), nil)
	w.fail(t, 0, 3)
	w.pass(time.Second)
	lost := w.mustAdmit(t, 0)
	w.pass(3*time.Second - 1)
	w.mustRefuse(t, 1, circuitOpen(1))
	w.pass(1)
	probe := w.mustAdmit(t, 1)
	w.done(0, lost, Answered) // not lost after all, but replaced
	w.mustRefuse(t, 0, circuitOpen(3))
	w.done(1, probe, Answered)
	w.mustAdmit(t, 0)
}

func TestCallsFromBeforeAnOutageSayNothingOfTheTimeAfterIt(t *testing.T) {
	w := newWorld(1, usual(), nil)
	late := []Permit{w.mustAdmit(t, 0), w.mustAdmit(t, 0), w.mustAdmit(t, 0)}
	w.fail(t, 0, 3)
	w.done(0, late[0], Answered) // while it is open
	w.mustRefuse(t, 0, circuitOpen(1))
	w.pass(time.Second)
	w.done(0, w.mustAdmit(t, 0), Answered)
	w.done(0, late[1], Failed)
	w.done(0, late[2], Failed)
	w.fail(t, 0, 2)
	w.done(0, w.mustAdmit(t, 0), Answered)
}

func TestLostCallsGiveTheirPlacesBack(t *testing.T) {
	w := newWorld(2, usual(), nil)
	for range 4 {
		w.mustAdmit(t, 0) // and worker 0 dies
	}
	w.mustRefuse(t, 1, full())
	w.pass(2 * time.Second)
	w.mustRefuse(t, 1, full())
	w.pass(1750 * time.Millisecond) // the lease, and up to the full second
	for range 4 {
		w.mustAdmit(t, 1)
	}
	w.mustRefuse(t, 1, full())
}

func TestAPermitComesBackToItsOwnPlaceOnly(t *testing.T) {
	w := newWorld(1, usual(), nil)
	late := w.mustAdmit(t, 0)
	w.pass(permitSlots * time.Second)
	for range usual().MaxInFlight {
		w.mustAdmit(t, 0)
	}
	w.done(0, late, Lost)
	w.mustRefuse(t, 0, full())
}

func TestALimitHoldsAllCallsThenLetsThemStartSlowly(t *testing.T) {
	w := newWorld(2, usual(), nil)
	a, b := w.mustAdmit(t, 0), w.mustAdmit(t, 1)
	w.done(0, a, Limited, host.Header{Name: "retry-after", Value: "20"})
	w.mustRefuse(t, 1, held(20))
	w.pass(10 * time.Second)
	w.done(1, b, Limited, host.Header{Name: "retry-after", Value: "2"}) // cannot shorten it
	w.mustRefuse(t, 0, held(10))
	w.pass(10*time.Second - 1)
	w.mustRefuse(t, 0, held(1))
	w.pass(1)
	w.mustAdmit(t, 0)
	w.mustRefuse(t, 1, full())
	if len(w.lines) != 1 || !strings.HasSuffix(w.lines[0], "limits the calls: none will be made for 20000ms") {
		t.Errorf("lines %q", w.lines)
	}
}

func TestALowBudgetIsWarnedOfOnceAWindow(t *testing.T) {
	w := newWorld(2, usual(), nil)
	budget := func(remaining string) []host.Header {
		return []host.Header{{Name: "x-rate-limit-limit", Value: "1200"}, {Name: "x-rate-limit-remaining", Value: remaining}}
	}
	w.done(0, w.mustAdmit(t, 0), Answered, budget("240")...)
	if len(w.lines) != 0 {
		t.Errorf("lines %q", w.lines)
	}
	w.done(0, w.mustAdmit(t, 0), Answered, budget("239")...)
	w.done(1, w.mustAdmit(t, 1), Answered, budget("100")...)
	if len(w.lines) != 1 || !strings.HasSuffix(w.lines[0], "has only 239 of 1200 calls left in its current window") {
		t.Errorf("lines %q", w.lines)
	}
	if got := w.gauges["sallyport_introspection_budget_remaining.sp_cluster=okta|"]; got != 100 {
		t.Errorf("remaining %d", got)
	}
	w.pass(time.Minute)
	w.done(1, w.mustAdmit(t, 1), Answered, budget("5")...)
	if len(w.lines) != 2 {
		t.Errorf("lines %q", w.lines)
	}
}

func TestGuardLetsAllThroughAtOnceWhereItMay(t *testing.T) {
	for _, atOnce := range []bool{false, true} {
		o := usual()
		o.AtOnce = atOnce
		w := newWorld(1, o, nil)
		w.fail(t, 0, 3)
		w.now = w.now.Add(o.Breaker.OpenFor)
		w.done(0, w.mustAdmit(t, 0), Answered)
		places := 0
		for range o.MaxInFlight {
			if _, _, ok := w.admit(0); ok {
				places++
			}
		}
		if want := map[bool]int{false: 1, true: o.MaxInFlight}[atOnce]; places != want {
			t.Errorf("at once %v: %d calls, want %d", atOnce, places, want)
		}
	}
}

func TestWithoutABreakerOnlyPlacesAreCounted(t *testing.T) {
	o := usual()
	o.Breaker = Breaker{}
	w := newWorld(1, o, nil)
	w.fail(t, 0, 100)
	if (Options{}).MaxInFlight != 0 {
		t.Error("the zero options let calls through")
	}
	w = newWorld(1, Options{}, nil)
	w.mustRefuse(t, 0, full())
}

func TestServersDoNotShareARecord(t *testing.T) {
	w := newWorld(1, usual(), nil)
	for _, change := range []func(*Options){
		func(o *Options) { o.Cluster = "other" },
		func(o *Options) { o.Authority = "other" },
		func(o *Options) { o.Cluster, o.Authority = "oktaokta", ".example.com" },
		func(o *Options) { o.Cluster, o.Authority = o.Authority, o.Cluster },
	} {
		o := usual()
		change(&o)
		w.addWorker(o)
	}
	w.fail(t, 0, 3)
	w.mustRefuse(t, 0, circuitOpen(1))
	for worker := range w.guards[1:] {
		w.mustAdmit(t, worker+1)
	}
}

func TestWithoutItsRecordNoCallIsMade(t *testing.T) {
	var broken memstore.Operation
	var w *world
	rival := false
	w = newWorld(1, usual(), func(op memstore.Operation, key string) error {
		if op == broken {
			return errors.New("the host failed")
		}
		if rival && op == memstore.Set {
			rival = false
			value, _, _ := w.store.Get(key)
			if err := w.store.Set(key, value, 0); err != nil {
				return err
			}
			rival = true
		}
		return nil
	})
	p := w.mustAdmit(t, 0)
	for _, op := range []memstore.Operation{memstore.Get, memstore.Set} {
		broken = op
		w.mustRefuse(t, 0, full())
		w.done(0, p, Failed)
	}
	broken = 0
	rival = true
	w.mustRefuse(t, 0, full())
	rival = false
	w.mustAdmit(t, 0)
}

func TestADamagedRecordDoesNotCloseAnOpenBreaker(t *testing.T) {
	w := newWorld(1, usual(), nil)
	w.fail(t, 0, 3)
	keys := w.store.Keys()
	if len(keys) != 1 {
		t.Fatalf("keys %q", keys)
	}
	for _, value := range []string{"", "garbage", strings.Repeat("\xff", 512)} {
		if err := w.store.Set(keys[0], []byte(value), 0); err != nil {
			t.Fatal(err)
		}
		w.mustRefuse(t, 0, circuitOpen(1))
	}
	w.pass(time.Second)
	w.done(0, w.mustAdmit(t, 0), Answered)
	w.mustAdmit(t, 0)
}

func TestAClockThatGoesBackLocksNobodyOut(t *testing.T) {
	for name, prepare := range map[string]func(*world){
		"open":      func(w *world) { w.fail(t, 0, 3) },
		"half-open": func(w *world) { w.fail(t, 0, 3); w.pass(time.Second); w.mustAdmit(t, 0) },
		"held":      func(w *world) { w.done(0, w.mustAdmit(t, 0), Limited) },
		"full": func(w *world) {
			for range usual().MaxInFlight {
				w.mustAdmit(t, 0)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(1, usual(), nil)
			prepare(w)
			w.pass(-time.Hour)
			w.done(0, w.mustAdmit(t, 0), Answered)
			w.mustAdmit(t, 0)
		})
	}
}

func TestAClockThatGoesBackStartsANewWindow(t *testing.T) {
	o := usual()
	o.Breaker.Failures = 100
	w := newWorld(1, o, nil)
	low := []host.Header{{Name: "x-rate-limit-limit", Value: "10"}, {Name: "x-rate-limit-remaining", Value: "1"}}
	w.fail(t, 0, 5)
	w.done(0, w.mustAdmit(t, 0), Answered, low...)
	w.pass(-time.Hour)
	w.fail(t, 0, 5)
	w.done(0, w.mustAdmit(t, 0), Answered, low...)
	w.mustAdmit(t, 0)
	if len(w.lines) != 2 {
		t.Errorf("lines %q", w.lines)
	}
}

func TestTheRecordIsOneSmallKey(t *testing.T) {
	w := newWorld(2, usual(), nil)
	for range 1000 {
		w.done(0, w.mustAdmit(t, 0), Answered)
		w.done(1, w.mustAdmit(t, 1), Limited)
		w.pass(time.Minute)
	}
	for key, value := range w.store.Dump() {
		t.Logf("%s: %d bytes", key, len(value))
		if len(value) > 256 {
			t.Errorf("%s has %d bytes", key, len(value))
		}
	}
	if n := len(w.store.Keys()); n != 1 {
		t.Errorf("%d keys", n)
	}
}

func TestRecordSurvivesItsEncoding(t *testing.T) {
	r := record{
		mode: open, reopened: 2, era: 3, until: 4, inARow: 5, windowEnd: 6, calls: 7, failed: 8,
		heldUntil: 9, warnedUntil: 10, slowStart: 11,
	}
	for i := range r.flights {
		r.flights[i] = slot{second: uint32(100 + i), count: uint16(200 + i)}
	}
	for i := range r.failing {
		r.failing[i] = uint64(300+i) << 40
	}
	b := make([]byte, recordSize)
	r.encode(b)
	var again record
	again.decode(b)
	if !reflect.DeepEqual(again, r) {
		t.Errorf("%+v became %+v", r, again)
	}
}

func BenchmarkGuard(b *testing.B) {
	w := newWorld(1, usual(), nil)
	now := w.now.UnixNano()
	a := host.Answer{Failure: host.NoFailure, Status: 200}
	b.Run("call", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p, _, ok := w.guards[0].Admit(now, 7)
			if !ok {
				b.Fatal("refused")
			}
			w.guards[0].Done(p, now, Answered, &a)
		}
	})
	b.Run("refused", func(b *testing.B) {
		w.fail(b, 0, 3)
		b.ReportAllocs()
		for b.Loop() {
			if _, _, ok := w.guards[0].Admit(now, 7); ok {
				b.Fatal("admitted")
			}
		}
	})
}

func TestNamesOfIstioClustersMakeOneLabel(t *testing.T) {
	o := usual()
	o.Cluster = "outbound|443||okta"
	w := newWorld(1, o, nil)
	w.mustAdmit(t, 0)
	for metric := range w.gauges {
		if !strings.HasSuffix(metric, ".sp_cluster=outbound_443__okta|") {
			t.Errorf("metric %s", metric)
		}
	}
}
