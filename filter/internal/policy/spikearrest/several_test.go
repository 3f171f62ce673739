package spikearrest

import (
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline/pipelinetest"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

// twoLimits are 2 a second and 3 a minute, with room for 2 and 3 at once.
func twoLimits(t testing.TB, per string) Options {
	o := options(t, per)
	o.Rate, o.Burst = mustRate(t, "2ps"), 2
	o.Further = []Limit{{mustRate(t, "3pm"), 3}}
	return o
}

func TestSeveralLimitsAllHold(t *testing.T) {
	for _, per := range []string{"", "client_ip"} {
		c := newClock()
		s := made(twoLimits(t, per), memstore.New(nil))
		say := func() *pipeline.Exchange {
			return &pipeline.Exchange{Now: c.now.UnixNano(), Client: pipelinetest.From("192.0.2.1")}
		}
		wantAllowed(t, s, say())
		wantAllowed(t, s, say())
		for range 5 { // the first limit refuses, and takes nothing from the second
			d, _ := s.Apply(say()).Denial()
			if d.Reason != denial.SpikeArrestExceeded || d.RetryAfterSeconds != 1 || d.Limit.Name[:3] != "2ps" {
				t.Fatalf("per %q: refused with %+v", per, d)
			}
		}
		c.advance(500 * time.Millisecond)
		wantAllowed(t, s, say())
		c.advance(500 * time.Millisecond)
		for range 5 { // the second refuses, and takes nothing from the first
			d, _ := s.Apply(say()).Denial()
			if d.RetryAfterSeconds != 19 || d.Limit.Name[:3] != "3pm" || d.Text != violation(mustRate(t, "3pm"), 3) {
				t.Fatalf("per %q: refused with %+v", per, d)
			}
		}
		c.advance(19 * time.Second)
		wantAllowed(t, s, say())
		d, _ := s.Apply(say()).Denial()
		if d.Limit.Name[:3] != "3pm" || d.RetryAfterSeconds != 20 {
			t.Errorf("per %q: refused with %+v", per, d)
		}
	}
}

// With room for all, every caller gets what a bucket of credit for each limit
// would give it, no more and no less.
func TestSeveralLimitsGiveTheirDue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawOptions(t, 20)
		o.WeightHeader = "x-weight"
		for range rapid.IntRange(0, MaxLimits-1).Draw(t, "further") {
			more := drawOptions(t, 20)
			o.Further = append(o.Further, Limit{more.Rate, more.Burst})
		}
		s := made(o, memstore.New(nil)).(*several)
		slot := s.rules[0].slot
		type account struct {
			credit [MaxLimits]int64 // nanoseconds; may be owed
			since  int64
		}
		accounts := map[string]*account{}
		now := newClock().now.UnixNano()
		for range rapid.IntRange(1, 150).Draw(t, "length") {
			now += rapid.Int64Range(0, 2*slot).Draw(t, "step")
			who := "192.0.2." + strconv.Itoa(rapid.IntRange(1, 5).Draw(t, "caller"))
			weight := rapid.Int64Range(1, int64(o.Weight)).Draw(t, "weight")
			a := accounts[who]
			if a == nil {
				a = &account{since: now}
				accounts[who] = a
				for i, l := range s.rules {
					a.credit[i] = l.tolerance + l.slot
				}
			}
			want := true
			for i, l := range s.rules {
				a.credit[i] = min(l.tolerance+l.slot, a.credit[i]+now-a.since)
				want = want && a.credit[i] >= l.slot
			}
			a.since = now
			for i, l := range s.rules {
				if want {
					a.credit[i] -= weight * l.slot
				}
			}
			x := &pipeline.Exchange{Now: now, Client: pipelinetest.From(who),
				Headers: []host.Header{{Name: "x-weight", Value: strconv.FormatInt(weight, 10)}}}
			if got := s.Apply(x).Continues(); got != want {
				t.Fatalf("allowed %v, want %v", got, want)
			}
		}
	})
}

func TestWeightByHeader(t *testing.T) {
	o := options(t, "")
	o.Weight, o.WeightHeader = 20, "x-weight"
	s := made(o, memstore.New(nil)).(*several)
	for _, tt := range []struct {
		name   string
		values []string
		want   int64
	}{
		{"absent", nil, 1},
		{"the least", []string{"1"}, 1},
		{"a number", []string{"7"}, 7},
		{"leading zeros", []string{"007"}, 7},
		{"the most", []string{"20"}, 20},
		{"beyond the most", []string{"21"}, 20},
		{"far beyond", []string{"18446744073709551617"}, 20},
		{"zero", []string{"0"}, 20},
		{"negative", []string{"-1"}, 20},
		{"signed", []string{"+1"}, 20},
		{"empty", []string{""}, 20},
		{"blank before", []string{" 1"}, 20},
		{"a fraction", []string{"1.0"}, 20},
		{"a list", []string{"1,1"}, 20},
		{"a word", []string{"one"}, 20},
		{"not ASCII", []string{"１"}, 20},
		{"twice", []string{"1", "1"}, 20},
	} {
		x := &pipeline.Exchange{}
		for _, v := range tt.values {
			x.Headers = append(x.Headers, host.Header{Name: "x-weight", Value: v})
		}
		if got := s.weight(x); got != tt.want {
			t.Errorf("%s: weight %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestCallersByIdentity(t *testing.T) {
	token := func(issuer, subject string, active bool) *pipeline.Exchange {
		return &pipeline.Exchange{Token: &pipeline.Claims{Active: active, Issuer: issuer, Subject: subject}}
	}
	product := func(name string) *pipeline.Exchange {
		return &pipeline.Exchange{Caller: pipeline.Caller{App: "a", Product: name}}
	}
	for per, callers := range map[string][][]*pipeline.Exchange{
		"token_subject": {
			{token("i", "s", true), token("i", "s", true)},
			{token("j", "s", true)},
			{token("i", "t", true)},
			{token("is", "", true), token("", "", true), token("i", "s", false), {}}, // share one
		},
		"product": {{product("gold"), product("gold")}, {product("silver")}, {{}, product("")}},
	} {
		s := made(options(t, per), memstore.New(nil))
		for i, same := range callers {
			for j, x := range same {
				x.Now = newClock().now.UnixNano()
				if got := s.Apply(x).Continues(); got != (j == 0) {
					t.Errorf("per %s: caller %d, message %d: allowed %v", per, i, j, got)
				}
			}
		}
	}
}

func TestSeveralOutOfBoundsRefuse(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"a limit too many":     func(o *Options) { o.Further = make([]Limit, MaxLimits) },
		"a limit that is zero": func(o *Options) { o.Further[0] = Limit{} },
		"no weight":            func(o *Options) { o.Weight = 0 },
		"too much weight":      func(o *Options) { o.Weight = MaxWeight + 1 },
	} {
		t.Run(name, func(t *testing.T) {
			o := twoLimits(t, "")
			change(&o)
			wantDenied(t, made(o, memstore.New(nil)), &pipeline.Exchange{Now: newClock().now.UnixNano()}, denial.SpikeArrestUnavailable)
		})
	}
}

// What an admitted message has left is told where it was asked for, of the limit
// that has least.
func TestAllowances(t *testing.T) {
	for _, tt := range []struct {
		name               string
		o                  Options
		limit              denial.Limit
		remaining, seconds int
	}{
		{"one limit", options(t, "client_ip"), denial.Limit{Name: "1ps-client_ip", Policy: `"1ps-client_ip";q=1;w=1`}, 0, 1},
		{"two limits", twoLimits(t, ""), denial.Limit{Name: "2ps", Policy: `"2ps";q=2;w=1, "3pm";q=3;w=60`}, 1, 1},
	} {
		for _, report := range []bool{false, true} {
			tt.o.Report = report
			x := &pipeline.Exchange{Now: newClock().now.UnixNano()}
			wantAllowed(t, made(tt.o, memstore.New(nil)), x)
			if !report {
				if x.Allowances != nil {
					t.Errorf("%s: told what nobody asked for: %+v", tt.name, x.Allowances)
				}
				continue
			}
			if len(x.Allowances) != 1 {
				t.Fatalf("%s: %+v", tt.name, x.Allowances)
			}
			if a := x.Allowances[0]; *a.Limit != tt.limit || a.Remaining != tt.remaining || a.Seconds != tt.seconds {
				t.Errorf("%s: %+v of %+v", tt.name, a, *a.Limit)
			}
		}
	}
}
