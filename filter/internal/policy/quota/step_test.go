package quota

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/ipaddr"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

func TestQuotaLocalIsExactOverWorkers(t *testing.T) {
	w, store := newWorld(t), memstore.New(nil)
	o := options(Local, 30)
	got := w.burst(100, "shop", w.worker(o, store), w.worker(o, store), w.worker(o, store))
	if got[passes] != 30 || got[over] != 70 || len(w.engine.calls) > 0 {
		t.Errorf("%v with %d calls", got, len(w.engine.calls))
	}
	w.want(w.one(w.worker(o, store), "other"), passes)
	w.advance(time.Hour)
	w.want(w.one(w.worker(o, store), "shop"), passes)
	near := "sallyport_quota_near_limit.sp_quota=default|sp_app=shop|"
	if w.metrics[near] != 1 {
		t.Errorf("near the limit: %v", w.metrics)
	}
}

func TestQuotaDenial(t *testing.T) {
	w := newWorld(t)
	w.now = noon.Add(59*time.Minute + 500*time.Millisecond)
	s := w.worker(options(Local, 1), memstore.New(nil))
	w.want(w.one(s, "shop"), passes)
	d, _ := w.send(s, "shop").o.Denial()
	want := denial.Denial{Reason: denial.QuotaExceeded, RetryAfterSeconds: 60, Text: "Rate limit quota violation. Quota limit exceeded.", Limit: d.Limit}
	if d != want || d.Limit == nil || *d.Limit != (denial.Limit{Name: "1-hour-app", Policy: `"1-hour-app";q=1;w=3600`}) {
		t.Errorf("%+v with %+v, want %+v", d, d.Limit, want)
	}
	again, _ := w.send(s, "shop").o.Denial()
	if again != d {
		t.Errorf("the next refusal is another one, which has to be rendered again: %+v", again)
	}
	if r := denial.QuotaExceeded; r.Status() != 429 || r.ErrorCode() != "policies.ratelimit.QuotaViolation" || r.Technical() || !denial.QuotaUnavailable.Technical() {
		t.Error("the reasons say something else")
	}
}

func TestQuotaTellsWhatIsLeft(t *testing.T) {
	for _, mode := range []Mode{Local, Exact, Reconciled} {
		for _, report := range []bool{true, false} {
			t.Run(modeWords[mode], func(t *testing.T) {
				w := newWorld(t)
				w.now, w.engine.now = noon.Add(50*time.Minute), noon.Add(50*time.Minute)
				o := options(mode, 30)
				o.Report = report
				o.Products = map[string]Terms{"gold": {Limit: 100, Interval: uint8(Month)}}
				s := w.worker(o, memstore.New(nil))
				got := func(product string) []pipeline.Allowance {
					x := exchange(w, "shop")
					x.Caller.Product = product
					p := &pending{x, s.Apply(x)}
					w.settle([]*pending{p})
					w.want(p.result(), passes)
					return x.Allowances
				}
				if !report {
					if a := got(""); len(a) > 0 {
						t.Errorf("nobody asked for %+v", a)
					}
					return
				}
				got("")
				if a := got(""); len(a) != 1 || a[0].Remaining != 28 || a[0].Seconds != 600 || a[0].Limit.Name != "30-hour-app" {
					t.Errorf("%+v", a)
				}
				if a := got("gold"); len(a) != 1 || a[0].Remaining != 99 || a[0].Limit.Policy != `"100-month-app";q=100;w=2592000` {
					t.Errorf("%+v", a)
				}
			})
		}
	}
}

func TestQuotaCountsByWhatItIsFor(t *testing.T) {
	token := func(issuer, subject, client string) func(*pipeline.Exchange) {
		return func(x *pipeline.Exchange) {
			x.Token = &pipeline.Claims{Active: true, Issuer: issuer, Subject: subject, ClientID: client}
		}
	}
	address := func(text string) func(*pipeline.Exchange) {
		return func(x *pipeline.Exchange) {
			x.Client = func(*pipeline.Exchange) ipaddr.Addr { a, _ := ipaddr.Parse(text); return a }
		}
	}
	caller := func(c pipeline.Caller) func(*pipeline.Exchange) {
		return func(x *pipeline.Exchange) { x.Caller = c }
	}
	api := func(name string) func(*pipeline.Exchange) {
		return func(x *pipeline.Exchange) { x.API.Name = name }
	}
	nobody := func(*pipeline.Exchange) {}
	tests := []struct {
		per         Per
		name        string
		first, next func(*pipeline.Exchange)
		same        bool
	}{
		{App, "one app", caller(pipeline.Caller{App: "a", KeyID: "1"}), caller(pipeline.Caller{App: "a", KeyID: "2"}), true},
		{App, "two apps", caller(pipeline.Caller{App: "a"}), caller(pipeline.Caller{App: "b"}), false},
		{App, "nobody", nobody, nobody, true},
		{Product, "one product", caller(pipeline.Caller{App: "a", Product: "p"}), caller(pipeline.Caller{App: "b", Product: "p"}), true},
		{API, "two APIs", api("a"), api("b"), false},
		{Subject, "one subject", token("i", "jane", "a"), token("i", "jane", "b"), true},
		{Subject, "two subjects", token("i", "jane", "a"), token("i", "joe", "a"), false},
		{Subject, "two issuers", token("i", "jane", "a"), token("j", "jane", "a"), false},
		{Subject, "a subject and a client", token("i", "jane", ""), token("i", "", "jane"), false},
		{Subject, "a token and none", token("i", "jane", ""), nobody, false},
		{ClientIP, "one network", address("2001:db8::1"), address("2001:db8::2"), true},
		{ClientIP, "two clients", address("192.0.2.1"), address("192.0.2.2"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			o := options(Local, 1)
			o.Per, o.IPv6Prefix = tt.per, 64
			s := w.worker(o, memstore.New(nil))
			for i, who := range []func(*pipeline.Exchange){tt.first, tt.next} {
				x := exchange(w, "")
				who(x)
				if got := s.Apply(x).Continues(); got != (i == 0 || !tt.same) {
					t.Errorf("request %d: %v", i+1, got)
				}
			}
		})
	}
}

func TestQuotaLimitOfTheProduct(t *testing.T) {
	w, store := newWorld(t), memstore.New(nil)
	o := options(Local, 0)
	o.Products = map[string]Terms{"basic": {Limit: 2, Interval: uint8(Day)}, "gold": {Limit: 4, Interval: uint8(Minute)}}
	s := w.worker(o, store)
	count := func(product string) (n int, last string) {
		for range 10 {
			x := exchange(w, "shop")
			x.Caller.Product = product
			p := &pending{x, s.Apply(x)}
			if last = p.result(); last == passes {
				n++
			}
		}
		return n, last
	}
	if n, last := count("basic"); n != 2 || last != over {
		t.Errorf("basic: %d, then %s", n, last)
	}
	if n, last := count("gold"); n != 4 || last != over {
		t.Errorf("gold: %d, then %s", n, last)
	}
	if n, last := count("other"); n != 0 || last != missing {
		t.Errorf("no limit at all: %d, then %s", n, last)
	}
}

func TestQuotaFailsClosed(t *testing.T) {
	w := newWorld(t)
	broken := memstore.New(func(memstore.Operation, string) error { return hostFailure("host") })
	for _, mode := range []Mode{Local, Exact, Reconciled} {
		w.want(w.one(w.worker(options(mode, 10), broken), "shop"), missing)
		w.want(w.one(w.worker(options(mode, 0), memstore.New(nil)), "shop"), missing)
		w.want(w.one(w.worker(options(mode, MaxLimit+1), memstore.New(nil)), "shop"), missing)
	}
	s := New(options(Exact, 10), host.Ports{Store: memstore.New(nil)}).(*step) // a host without gRPC
	w.want(w.send(s, "shop").result(), missing)
}

type hostFailure string

func (e hostFailure) Error() string { return string(e) }

func TestQuotaSaysNothingOfWhoItIs(t *testing.T) {
	w, store := newWorld(t), memstore.New(nil)
	o := options(Exact, 10)
	o.Per = Subject
	s := w.worker(o, store)
	x := exchange(w, "")
	x.Token = &pipeline.Claims{Active: true, Issuer: "https://issuer.example", Subject: "jane.doe@example.com"}
	s.Apply(x)
	w.engine.deliver()
	if keys := w.engine.keys(); strings.Contains(keys, "jane") || !strings.Contains(keys, "token_subject_") {
		t.Errorf("the engine sees %s", keys)
	}
	for key, value := range store.Dump() {
		if strings.Contains(key+string(value), "jane") {
			t.Errorf("shared data has %q", key)
		}
	}
}
