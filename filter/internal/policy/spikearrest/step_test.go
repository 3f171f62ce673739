package spikearrest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline/pipelinetest"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

// options are those of a limiter that passes one message a second.
func options(t testing.TB, per string) Options {
	t.Helper()
	p, err := ParsePer(per)
	if err != nil {
		t.Fatal(err)
	}
	if p.Kind == ClientIP {
		p.IPv6Prefix = 64
	}
	return Options{ID: "test", Rate: mustRate(t, "1ps"), Burst: 1, Per: p, Weight: 1}
}

// made is a step over a clock that nobody reads again.
func made(o Options, store host.Store) pipeline.Step {
	return New(o, store, func() int64 { return 0 })
}

func wantAllowed(t testing.TB, s pipeline.Step, x *pipeline.Exchange) {
	t.Helper()
	if o := s.Apply(x); !o.Continues() {
		d, _ := o.Denial()
		t.Errorf("refused for %v, want allowed", d.Reason)
	}
}

func wantDenied(t testing.TB, s pipeline.Step, x *pipeline.Exchange, reason denial.Reason) {
	t.Helper()
	if d, ok := s.Apply(x).Denial(); !ok || d.Reason != reason {
		t.Errorf("denied %v for %v, want denied for %v", ok, d.Reason, reason)
	}
}

func TestDenial(t *testing.T) {
	for _, tt := range []struct {
		name, rate string
		burst      int
		want       denial.Denial
	}{
		{"per second", "10ps", 1, denial.Denial{Reason: denial.SpikeArrestExceeded, Limit: &denial.Limit{Name: "10ps", Policy: `"10ps";q=10;w=1`}, RetryAfterSeconds: 1,
			Text: "Spike arrest violation. Allowed rate : MessageRate{messagesPerPeriod=10, periodInMicroseconds=1000000, maxBurstMessageCount=1.0}"}},
		{"per minute", "12pm", 1, denial.Denial{Reason: denial.SpikeArrestExceeded, Limit: &denial.Limit{Name: "12pm", Policy: `"12pm";q=12;w=60`}, RetryAfterSeconds: 5,
			Text: "Spike arrest violation. Allowed rate : MessageRate{messagesPerPeriod=12, periodInMicroseconds=60000000, maxBurstMessageCount=1.0}"}},
		{"with a burst, rounded up", "25pm", 30, denial.Denial{Reason: denial.SpikeArrestExceeded, Limit: &denial.Limit{Name: "25pm", Policy: `"25pm";q=25;w=60`}, RetryAfterSeconds: 3,
			Text: "Spike arrest violation. Allowed rate : MessageRate{messagesPerPeriod=25, periodInMicroseconds=60000000, maxBurstMessageCount=30.0}"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := made(Options{ID: "test", Rate: mustRate(t, tt.rate), Burst: tt.burst, Weight: 1}, memstore.New(nil))
			x := &pipeline.Exchange{Now: newClock().now.UnixNano()}
			for range tt.burst {
				wantAllowed(t, s, x)
			}
			got, _ := s.Apply(x).Denial()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("denial (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHostcalls(t *testing.T) {
	for _, per := range []string{"", "client_ip", "header:x-tenant", "app"} {
		t.Run("per "+per, func(t *testing.T) {
			store := memstore.New(nil)
			s := made(options(t, per), store)
			x := &pipeline.Exchange{
				Now:     newClock().now.UnixNano(),
				Client:  pipelinetest.From("192.0.2.1"),
				Headers: []host.Header{{Name: "x-tenant", Value: "blue"}},
				Caller:  pipeline.Caller{App: "portal"},
			}
			for range 2 { // the first messages of a VM may cost more
				wantAllowed(t, s, x)
				x.Now += int64(time.Second)
			}
			calls := func() (gets, sets int) {
				g, w := store.Calls()
				return g, w
			}
			gets, sets := calls()
			t.Logf("first two messages: %d gets, %d sets", gets, sets)
			wantAllowed(t, s, x) // sees that nobody else has written
			x.Now += int64(time.Second)
			wantAllowed(t, s, x)
			afterGets, afterSets := calls()
			wantGets := 2
			if per == "" {
				wantGets = 1 // the limiter of all messages has one bucket, and guesses
			}
			if afterGets-gets != wantGets || afterSets-sets != 2 {
				t.Errorf("two messages that pass make %d gets and %d sets, want %d and 2", afterGets-gets, afterSets-sets, wantGets)
			}
			wantDenied(t, s, x, denial.SpikeArrestExceeded)
			deniedGets, deniedSets := calls()
			if deniedGets-afterGets != 1 || deniedSets != afterSets {
				t.Errorf("a message that is refused makes %d gets and %d sets, want 1 and none", deniedGets-afterGets, deniedSets-afterSets)
			}
		})
	}
}

func TestCallersAreCountedApart(t *testing.T) {
	header := func(values ...string) *pipeline.Exchange {
		x := &pipeline.Exchange{Now: newClock().now.UnixNano(), Headers: []host.Header{{Name: "x-other", Value: "x"}}}
		for _, v := range values {
			x.Headers = append(x.Headers, host.Header{Name: "x-tenant", Value: v})
		}
		return x
	}
	address := func(a string) *pipeline.Exchange {
		return &pipeline.Exchange{Now: newClock().now.UnixNano(), Client: pipelinetest.From(a)}
	}
	app := func(a string) *pipeline.Exchange {
		return &pipeline.Exchange{Now: newClock().now.UnixNano(), Caller: pipeline.Caller{App: a}}
	}
	for _, tt := range []struct {
		name, per string
		apart     []*pipeline.Exchange
	}{
		{"addresses", "client_ip", []*pipeline.Exchange{address("192.0.2.1"), address("192.0.2.2"), address("2001:db8::1"), address("2001:db8:0:1::1"), address("")}},
		{"apps", "app", []*pipeline.Exchange{app("a"), app("b"), app("")}},
		{"header values", "header:x-tenant", []*pipeline.Exchange{
			header(), header(""), header("a"), header("A"), header("b"), header("a", "b"), header("b", "a"), header("a,b"), header("ab"),
			header("", "a"), header("", ""), header(strings.Repeat("long", 100_000)), header(strings.Repeat("long", 100_000) + "!"),
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := made(options(t, tt.per), memstore.New(nil))
			for _, x := range tt.apart {
				wantAllowed(t, s, x)
			}
			for _, x := range tt.apart {
				wantDenied(t, s, x, denial.SpikeArrestExceeded)
			}
		})
	}
	t.Run("all together", func(t *testing.T) {
		s := made(options(t, ""), memstore.New(nil))
		wantAllowed(t, s, address("192.0.2.1"))
		wantDenied(t, s, address("192.0.2.2"), denial.SpikeArrestExceeded)
	})
}

func TestWorkersShareOneLimit(t *testing.T) {
	for _, per := range []string{"", "client_ip"} {
		store := memstore.New(nil)
		x := &pipeline.Exchange{Now: newClock().now.UnixNano(), Client: pipelinetest.From("192.0.2.1")}
		wantAllowed(t, made(options(t, per), store), x)
		wantDenied(t, made(options(t, per), store), x, denial.SpikeArrestExceeded)
	}
}

func TestChangedLimiterStartsAnew(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Options)
		again  bool
	}{
		{"unchanged", func(*Options) {}, false},
		{"id", func(o *Options) { o.ID = "other" }, true},
		{"rate", func(o *Options) { o.Rate = mustRate(t, "2ps") }, true},
		{"period", func(o *Options) { o.Rate = mustRate(t, "1pm") }, true},
		{"burst", func(o *Options) { o.Burst = 2 }, true},
		{"per", func(o *Options) { o.Per = Per{Kind: App} }, true},
		{"header", func(o *Options) { o.Per.Header = "x-other" }, true},
		{"weight", func(o *Options) { o.Weight = 2 }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store := memstore.New(nil)
			before := options(t, "header:x-tenant")
			x := &pipeline.Exchange{Now: newClock().now.UnixNano()}
			wantAllowed(t, made(before, store), x)
			after := before
			tt.change(&after)
			if tt.again {
				wantAllowed(t, made(after, store), x)
			}
			wantDenied(t, made(before, store), x, denial.SpikeArrestExceeded)
		})
	}
}

func TestUnavailable(t *testing.T) {
	broken := errors.New("broken")
	failing := func(which memstore.Operation) *memstore.Store {
		return memstore.New(func(op memstore.Operation, _ string) error {
			if op == which {
				return broken
			}
			return nil
		})
	}
	contended := memstore.New(func(op memstore.Operation, key string) error {
		if op != memstore.Set {
			return nil
		}
		return sharedtable.ErrCASMismatch
	})
	now := newClock().now
	for _, tt := range []struct {
		name   string
		store  host.Store
		now    time.Time
		change func(*Options)
	}{
		{"get fails", failing(memstore.Get), now, nil},
		{"set fails", failing(memstore.Set), now, nil},
		{"attempts are exhausted", contended, now, nil},
		{"no clock", memstore.New(nil), time.Time{}, nil},
		{"a clock of 1969", memstore.New(nil), time.Unix(-1, 0), nil},
		{"a clock of 2200", memstore.New(nil), time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC), nil},
		{"no rate", memstore.New(nil), now, func(o *Options) { o.Rate = Rate{} }},
		{"no burst", memstore.New(nil), now, func(o *Options) { o.Burst = 0 }},
		{"no weight", memstore.New(nil), now, func(o *Options) { o.Weight = 0 }},
		{"too much weight", memstore.New(nil), now, func(o *Options) { o.Weight = MaxWeight + 1 }},
	} {
		for _, per := range []string{"", "client_ip"} {
			t.Run(tt.name+" per "+per, func(t *testing.T) {
				o := options(t, per)
				if tt.change != nil {
					tt.change(&o)
				}
				got, denied := made(o, tt.store).Apply(&pipeline.Exchange{Now: tt.now.UnixNano()}).Denial()
				want := denial.Denial{Reason: denial.SpikeArrestUnavailable, RetryAfterSeconds: 1}
				if diff := cmp.Diff(want, got); diff != "" || !denied {
					t.Errorf("denied %v (-want +got):\n%s", denied, diff)
				}
			})
		}
	}
}

// A host that comes back is used again: a failure is not remembered.
func TestRecovery(t *testing.T) {
	var err error
	s := made(options(t, "client_ip"), memstore.New(func(memstore.Operation, string) error { return err }))
	x := &pipeline.Exchange{Now: newClock().now.UnixNano()}
	err = errors.New("broken")
	wantDenied(t, s, x, denial.SpikeArrestUnavailable)
	err = nil
	wantAllowed(t, s, x)
	wantDenied(t, s, x, denial.SpikeArrestExceeded)
}

// What a message is counted by is only ever in the host as a seeded hash.
func TestSharedDataHoldsNoValues(t *testing.T) {
	store := memstore.New(nil)
	s := made(options(t, "header:x-tenant"), store)
	const value = "a-very-private-value"
	wantAllowed(t, s, &pipeline.Exchange{Now: newClock().now.UnixNano(), Headers: []host.Header{{Name: "x-tenant", Value: value}}})
	dump := store.Dump()
	if len(dump) != 2 {
		t.Errorf("%d keys after one message, want the seed and one bucket", len(dump))
	}
	for key, v := range dump {
		if strings.Contains(key+string(v), value[:8]) {
			t.Errorf("shared data holds the value under %q", key)
		}
	}
}

// Neither another limiter nor another host puts the same caller in the same place.
func TestCallersAreHashedUnderSeedAndLimiter(t *testing.T) {
	store := memstore.New(nil)
	where := func(id string, store host.Store) caller {
		o := options(t, "client_ip")
		o.ID = id
		c, err := made(o, store).(*step).callers.of(&pipeline.Exchange{Client: pipelinetest.From("192.0.2.1")})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	here := where("a", store)
	if again := where("a", store); again != here {
		t.Errorf("another worker looks at %+v, want %+v", again, here)
	}
	if other := where("b", store); other.hash == here.hash {
		t.Errorf("another limiter has the same hash %x", other.hash)
	}
	if other := where("a", memstore.New(nil)); other.hash == here.hash {
		t.Errorf("another host has the same hash %x", other.hash)
	}
}
