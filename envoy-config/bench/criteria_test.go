package bench

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/stats"
)

// measured is a report of rounds that cost so much.
func measured(bases map[string]string, cpu map[string][]float64) *Report {
	r := &Report{Machine: Machine{Cores: 2}, Module: 3 << 20}
	for name, rounds := range cpu {
		f := Figures{Name: name, Base: bases[name]}
		for _, c := range rounds {
			f.rounds = append(f.rounds, round{cpu: c, rate: 1e6 / c})
		}
		r.Cases = append(r.Cases, f)
	}
	r.summarize()
	return r
}

func TestAddedIsTakenWithinEachRound(t *testing.T) {
	// The machine becomes twice as slow in the second round.
	r := measured(map[string]string{Whole: NoFilter}, map[string][]float64{NoFilter: {10, 20, 10}, Whole: {15, 25, 15}})
	f := r.find(Whole)
	if f.Added.Median != 5 || f.Added.Spread() != 0 {
		t.Errorf("added %+v, want 5 in each round", f.Added)
	}
	if base := r.find(NoFilter); base.Added.Rounds != 0 {
		t.Errorf("the base is above something: %+v", base.Added)
	}
}

func TestTooNoisy(t *testing.T) {
	for _, tt := range []struct {
		rounds []float64
		want   bool
	}{
		{[]float64{15, 15.1, 15.2, 15.1, 15}, false},
		{[]float64{15, 15, 15, 15, 40}, false}, // one round alone says nothing
		{[]float64{15, 19, 15, 19, 17}, true},
	} {
		if r := measured(nil, map[string][]float64{NoFilter: tt.rounds}); r.TooNoisy != tt.want {
			t.Errorf("%v: too noisy is %v, spread %.3f", tt.rounds, r.TooNoisy, r.Noise)
		}
	}
	r := measured(nil, map[string][]float64{NoFilter: {15, 15, 15}})
	r.Foreign = 0.5
	if r.summarize(); !r.TooNoisy || !strings.Contains(r.String(), "TOO NOISY") {
		t.Errorf("half a core was used by others:\n%v", r)
	}
}

func TestCriteria(t *testing.T) {
	bases := map[string]string{Whole: NoFilter, ExtAuthz: NoFilter, Empty: NoFilter, Apps: NoFilter, SpikeArrest: NoFilter, Whole2: NoFilter2, QuotaExact: NoQuotaUpstream, NativeQuota: NoFilterUpstream}
	r := measured(bases, map[string][]float64{
		NoFilter: {15}, Whole: {25}, ExtAuthz: {72}, Empty: {22}, Apps: {26}, SpikeArrest: {24.9}, NoFilter2: {16}, WholeAlone: {25}, Whole2: {26},
		NoQuotaUpstream: {40}, QuotaExact: {70}, NoFilterUpstream: {30}, NativeQuota: {50},
	})
	r.Memory = &Memory{Requests: 5_000_000, Wanted: 5_000_000, Growth: 0.021}
	r.HalfLoad = &HalfLoad{Added: stats.Summarize([]float64{90})}
	r.Startup = &Startup{Empty: Start{CPU: stats.Summarize([]float64{2})}, Sallyport: Start{CPU: stats.Summarize([]float64{3})}}
	got := criteria(r)
	for _, want := range []struct {
		number int
		what   string
		bar    float64
		value  float64
		state  State
	}{
		{1, "whole sequence, added / ext_authz", 0.19, 10.0 / 57, Met},
		{1, "whole sequence, added / an unfiltered", 0.75, 10.0 / 15, Met},
		{1, "whole sequence, added / an unfiltered", 0.5, 10.0 / 15, Aim},
		{1, "whole sequence, added / an empty Go", 5, 0, NotMeasured},
		{2, "empty sequence", 0.4, 7.0 / 15, NotMet},
		{2, "refusal: spike arrest", 0.67, 9.9 / 15, Met},
		{2, "refusal: missing key", 0.67, 0, NotMeasured},
		{3, "allocations", 0, 0, NotMeasured},
		{4, "10,000 apps", 1.15, 1.1, Met},
		{4, "two workers", 1.8, 2 * 25.0 / 26, Met},
		{5, "memory", 2, 2.1, NotMet},
		{6, "99th percentile", 100, 90, Met},
		{7, "module", 3.75, 3, Met},
		{7, "CPU from configuration", 1.5, 1.5, Met},
		{8, "quota, reconciled", 1, 0, NotMeasured},
		{8, "quota, exact", 1.3, 1.5, NotMet},
	} {
		i := slices.IndexFunc(got, func(c Criterion) bool {
			return c.Number == want.number && strings.HasPrefix(c.What, want.what) && c.Bar == want.bar
		})
		if i < 0 {
			t.Errorf("there is no criterion %d %q with the bar %v", want.number, want.what, want.bar)
			continue
		}
		if c := got[i]; c.State != want.state || math.Abs(c.Value-want.value) > 1e-9 {
			t.Errorf("%d %s: %v, %s; want %v, %s", c.Number, c.What, c.Value, c.State, want.value, want.state)
		}
	}
	r.Criteria = got
	if missed := r.Missed(); len(missed) != 3 {
		t.Errorf("missed: %v", missed)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Errorf("the report is not JSON: %v", err)
	}
	for _, text := range []string{r.String(), r.SVG()} {
		if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
			t.Errorf("not numbers in:\n%s", text)
		}
	}
}

func TestTwoWorkersByThroughputWhereCoresAreApart(t *testing.T) {
	r := measured(nil, map[string][]float64{WholeAlone: {25}, Whole2: {50}})
	if c := workersCriterion(r); c.State != NotMet || c.Value != 1 || !strings.Contains(c.Note, "2 cores") {
		t.Errorf("on two cores: %+v", c)
	}
	r.Machine.Cores = 8
	if c := workersCriterion(r); c.Value != 0.5 || c.Note != "" {
		t.Errorf("on eight cores: %+v", c)
	}
}

func TestPartOfTheMemoryIsNotMeasured(t *testing.T) {
	r := &Report{Memory: &Memory{Requests: 100, Wanted: 5_000_000}}
	for _, c := range criteria(r) {
		if c.Number == 5 && (c.State != NotMeasured || !strings.Contains(c.Note, "100 requests")) {
			t.Errorf("%+v", c)
		}
	}
}

func TestGrowth(t *testing.T) {
	for _, tt := range []struct {
		name    string
		samples []Sample
		want    float64
	}{
		{"none", nil, 0},
		{"only in the first tenth", []Sample{{50, 100}, {100, 200}, {1000, 200}}, 0},
		{"after it", []Sample{{50, 100}, {100, 200}, {500, 150}, {1000, 210}}, 0.05},
		{"shrinks", []Sample{{100, 200}, {1000, 150}}, -0.25},
	} {
		if got := growth(tt.samples); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestEnvoyVersion(t *testing.T) {
	for out, want := range map[string]string{
		"/opt/1.2.3/envoy  version: abc/1.40.0/Clean/RELEASE/BoringSSL\n": "1.40.0",
		"something else": "something else",
	} {
		if got := envoyVersion(out); got != want {
			t.Errorf("%q: %q", out, got)
		}
	}
	if got := cpuName("processor\t: 0\nmodel name\t: A CPU\n"); got != "A CPU" {
		t.Errorf("got %q", got)
	}
}

func TestOdd(t *testing.T) {
	for _, tt := range []struct {
		difference, requests int
		want                 bool
	}{{0, 100, false}, {-1, 5066, false}, {3, 100, true}, {20, 30000, false}, {31, 30000, true}, {-31, 30000, true}} {
		if got := odd(tt.difference, tt.requests); got != tt.want {
			t.Errorf("%d of %d: %v", tt.difference, tt.requests, got)
		}
	}
}
